"""Wallets: handing a badge over to an app of its holder's, bound to a key that the app keeps."""
