"""K5: what a target cannot express."""

from __future__ import annotations

from kitchen.compiler.codes.code import Code, page

CODES: tuple[Code, ...] = (
    page(
        "K501",
        "one task in two images",
        why="""Steps that share a handle (a session, a stream) run in one process, and so in one
            image. So do steps whose tasks would wait for each other.""",
        cure="""Give both steps the same `image:`, or one of them none. Where they need not share,
            save what the first made and let the other load it: an artifact travels.""",
    ),
)
