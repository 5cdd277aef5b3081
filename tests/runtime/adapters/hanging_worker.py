"""The process of `reasoning-gym`, with answers over which its verifier hangs or dies."""

from __future__ import annotations

import os
import time
from typing import Any

from kitchen.runtime.adapters.reasoning_gym import worker

real = worker.answer


def answer(request: dict[str, Any], guard: worker.Guard) -> dict[str, Any]:
    match request.get("said"):
        case "hang":
            time.sleep(600)
        case "die":
            os._exit(1)
    return real(request, guard)


if __name__ == "__main__":
    worker.answer = answer
    worker.serve()
