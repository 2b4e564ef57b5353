"""Host the package: the engine runs `python -m azml` as the plugin `azml`."""

from azml.provider import main

if __name__ == "__main__":
    main()
