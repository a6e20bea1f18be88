from minunet.wording import count_noun, join_names, paragraph


def test_counts_with_their_noun():
    assert [count_noun(0, "file"), count_noun(1, "step"), count_noun(1234, "step")] == [
        "0 files",
        "1 step",
        "1,234 steps",
    ]


def test_a_list_of_names_is_cut_after_the_limit():
    assert [join_names(range(n)) for n in (0, 1, 2, 3, 7)] == [
        "",
        "0",
        "0 and 1",
        "0, 1 and 2",
        "0, 1, 2, 3, 4 and 2 more",
    ]
    assert join_names("abc", limit=2) == "a, b and 1 more"


def test_sentences_of_a_paragraph_begin_with_capital_letters():
    assert [paragraph(sentences) for sentences in ([], ["it is dark."], ("it is dark.", "is it 12 bit?", "No."))] == [
        "",
        "it is dark.",
        "it is dark. Is it 12 bit? No.",
    ]
