"""Settings for all tests."""

import os

import hypothesis

# A busy machine is no fault of the code: examples have no deadline of their own. The same examples every time, so that
# a red run means a change; HYPOTHESIS_PROFILE=search looks for new ones.
hypothesis.settings.register_profile("house", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None, max_examples=2_000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))
