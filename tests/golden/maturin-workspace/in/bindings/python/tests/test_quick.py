import quick


def test_total():
    assert quick.total([1, 2]) == 3
