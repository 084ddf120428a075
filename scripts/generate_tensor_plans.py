"""Write which classes of transformers can be split over ranks by a plan of their own, from the installed one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

TARGET = Path(__file__).parents[1] / "slipway" / "catalog" / "tensor_plans.json"


def planned() -> list[str]:
    """Return every class that goes on with text and has a plan, its own or its configuration's."""
    import transformers
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    return sorted(
        {
            name
            for kind, name in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.items()
            if getattr(transformers.CONFIG_MAPPING[kind], "base_model_tp_plan", None)
        }
    )


def main() -> None:
    """Write the catalogue's file; with --check end with an error if it would change."""
    import transformers

    content = {
        "source": {"package": "transformers", "version": transformers.__version__, "says": "base_model_tp_plan"},
        "classes": planned(),
    }
    text = json.dumps(content, indent=2) + "\n"
    if "--check" not in sys.argv:
        TARGET.write_text(text, encoding="utf-8")
    elif TARGET.read_text(encoding="utf-8") != text:
        sys.exit(f"{TARGET.name} is not what transformers {transformers.__version__} says: run this without --check")


if __name__ == "__main__":
    main()
