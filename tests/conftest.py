"""Settings for all tests."""

import hypothesis

# A busy machine is no fault of the code: examples have no deadline of their own.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")
