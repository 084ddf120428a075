"""Token ids of a text by its words, which are remembered: for tokenizers that read every word by itself."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from tokenizers import models, normalizers, pre_tokenizers, processors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenizers import AddedToken, Tokenizer

_MOST_WORDS = 16384
"""That are remembered, some four megabytes; texts in a language use ten thousand for nine of their ten words."""

_LONGEST_WORD = 64
_LONGEST_TEXT = 65536
"""That is read here, with the interpreter's lock held; the library reads a longer one without it."""

_WORTH = 4
"""To learn a word takes as long as this many words of a text that is read as a whole, at the most."""

# What a tokenizer that does not read word by word would show itself by.
_PROBES = ("", " ", "Word  by\tword, naïve ÅNGSTRÖM don't", "中文 字 ́ x\u3000y\u200bz", "[MASK] [UNK]a", "a" * 120)


class Words:
    """Token ids of texts, as the tokenizer gives them, and of words that were seen before in a tenth of its time.

    Args:
        tokenizer: That reads word by word and pads nothing.
        before: Ids that begin every text.
        after: Ids that end it.
        most: Tokens of a text; what is beyond is cut.
    """

    def __init__(self, tokenizer: Tokenizer, before: list[int], after: list[int], most: int) -> None:
        self._tokenizer = tokenizer
        self._before, self._after = before, after
        self._room = most - len(before) - len(after)
        self.known: dict[str, tuple[int, ...]] = {}
        """Ids by word."""

    def __call__(self, text: str) -> list[int]:
        """Return the ids of a text; safe to call from several threads at once."""
        if len(text) > _LONGEST_TEXT:
            return self._whole(text)
        words = text.split(" ")
        found = [self.known.get(word) for word in words]
        if None in found:
            new = list(dict.fromkeys(word for word, ids in zip(words, found, strict=True) if ids is None))
            if len(new) * _WORTH > len(words):
                self._learn(new[:1])  # for next time
                return self._whole(text)
            learnt = self._learn(new)
            found = [learnt[word] if ids is None else ids for word, ids in zip(words, found, strict=True)]
        inner = list(chain.from_iterable(ids for ids in found if ids is not None))
        return [*self._before, *inner[: self._room], *self._after]

    def _whole(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode_batch_fast([text])[0].ids
        return ids

    def _learn(self, words: list[str]) -> dict[str, tuple[int, ...]]:
        encodings = self._tokenizer.encode_batch_fast(words, add_special_tokens=False)
        learnt = {word: tuple(encoding.ids) for word, encoding in zip(words, encodings, strict=True)}
        if len(self.known) + len(learnt) > _MOST_WORDS:
            self.known.clear()  # the frequent ones are back at once
        self.known.update({word: ids for word, ids in learnt.items() if len(word) <= _LONGEST_WORD})
        return learnt


def of(tokenizer: Tokenizer, most: int) -> Words | None:
    """Return the tokenizer's words, or None if it does not read a text word by word, as BERT's does.

    Args:
        tokenizer: That pads nothing and cuts at `most`.
        most: Tokens of a text.
    """
    if not _is_berts(tokenizer):
        return None
    probe = tokenizer.encode("a")
    place = [index for index, special in enumerate(probe.special_tokens_mask) if not special]
    if any(probe.type_ids) or len(place) == 0 or len(probe.ids) >= most:
        return None
    words = Words(tokenizer, probe.ids[: place[0]], probe.ids[place[-1] + 1 :], most)
    return words if all(words(text) == tokenizer.encode(text).ids for text in _PROBES) else None


def _is_berts(tokenizer: Tokenizer) -> bool:
    return (
        isinstance(tokenizer.normalizer, normalizers.BertNormalizer)
        and isinstance(tokenizer.pre_tokenizer, pre_tokenizers.BertPreTokenizer)
        and isinstance(tokenizer.model, models.WordPiece)
        and isinstance(tokenizer.post_processor, (processors.TemplateProcessing, processors.BertProcessing))
        and _stay_in_a_word(list(tokenizer.get_added_tokens_decoder().values()))
    )


def _stay_in_a_word(added: Sequence[AddedToken]) -> bool:
    return not any(token.normalized or any(map(str.isspace, token.content)) for token in added)
