"""What can be fuzzed: a target takes a generator of random numbers and raises where something is not as it must be."""

import random
from collections.abc import Callable

import fuzzed_answers
import fuzzed_files
import fuzzed_requests
import fuzzed_stores
import fuzzed_texts

Target = Callable[[random.Random], None]

TARGETS: dict[str, Target] = {
    "wire": fuzzed_requests.wire,
    "pipeline": fuzzed_requests.pipeline,
    "streams": fuzzed_answers.streams,
    "events": fuzzed_answers.events,
    "legs": fuzzed_answers.legs,
    "frames": fuzzed_answers.frames,
    "encodings": fuzzed_answers.encodings,
    "compressors": fuzzed_texts.compressors,
    "growth": fuzzed_texts.growth,
    "router": fuzzed_texts.router,
    "retrieve": fuzzed_texts.retrieve,
    "subjects": fuzzed_texts.subjects,
    "records": fuzzed_stores.records,
    "hidden": fuzzed_stores.hidden,
    "links": fuzzed_stores.links,
    "files": fuzzed_stores.files,
    "cells": fuzzed_stores.cells,
    "replies": fuzzed_stores.replies,
    "options": fuzzed_files.chosen,
    "prompts": fuzzed_files.prompts,
    "logs": fuzzed_files.logs,
    "authorities": fuzzed_files.authorities,
    "journal": fuzzed_files.journal,
}
