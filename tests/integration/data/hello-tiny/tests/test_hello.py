import hello_tiny


def test_greeting():
    assert hello_tiny.greeting("Debian") == "Hello, Debian!"
