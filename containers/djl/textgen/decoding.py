"""One token after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .wanted import Wanted


@dataclass(frozen=True)
class Step:
    """One new token.

    Args:
        token: Its number.
        log_prob: How likely the model called it, before temperature and penalties.
        likeliest: The tokens that it called likeliest, and how likely.
    """

    token: int
    log_prob: float
    likeliest: tuple[tuple[int, float], ...] = ()


def steps(model: Any, prompt: list[int], wanted: Wanted, most: int, agree: Callable[[int], int]) -> Iterator[Step]:
    """Go on with a prompt for so many tokens; who has enough stops asking.

    Args:
        model: Of transformers, or what calls like one.
        prompt: Its tokens.
        wanted: How the next token is chosen.
        most: New tokens.
        agree: Makes all ranks go on with the same token.
    """
    chance = torch.Generator().manual_seed(wanted.seed)
    device = model.device
    said, past, new = list(prompt), None, torch.tensor([prompt], device=device)
    for _ in range(most):
        logits, past = _forward(model, new, past, len(said))
        token = agree(_choose(logits, said, wanted, chance))
        yield _step(logits, token, wanted.likeliest)
        said.append(token)
        new = torch.tensor([[token]], device=device)


def _forward(model: Any, new: Any, past: Any, length: int) -> tuple[Any, Any]:
    mask = torch.ones((1, length), dtype=torch.long, device=new.device)
    with torch.inference_mode():
        answer = model(input_ids=new, attention_mask=mask, past_key_values=past, use_cache=True)
        return answer.logits[0, -1].float().cpu(), answer.past_key_values


def _step(logits: Any, token: int, likeliest: int) -> Step:
    likely = torch.log_softmax(logits, dim=-1)
    best = torch.topk(likely, min(likeliest, len(likely)))
    ranked = tuple(zip(best.indices.tolist(), best.values.tolist(), strict=True))
    return Step(token, float(likely[token]), ranked)


def _choose(logits: Any, said: list[int], wanted: Wanted, chance: Any) -> int:
    if wanted.repetition_penalty != 1:
        logits = _penalised(logits, said, wanted.repetition_penalty)
    if not wanted.sample:
        return int(logits.argmax())
    values, tokens = torch.sort(logits / wanted.temperature, descending=True)
    if wanted.top_k > 0:
        values = values[: wanted.top_k]
    shares = torch.softmax(values, dim=-1)
    if wanted.top_p < 1:
        kept = int((shares.cumsum(0) - shares < wanted.top_p).sum())  # the one that crosses the bound is in
        shares = shares[:kept]
    return int(tokens[torch.multinomial(shares, 1, generator=chance)])


def _penalised(logits: Any, said: list[int], penalty: float) -> Any:
    places = torch.tensor(sorted(set(said)))
    found = logits[places]
    return logits.index_copy(0, places, torch.where(found > 0, found / penalty, found * penalty))
