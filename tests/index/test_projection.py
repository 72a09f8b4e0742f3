"""The rows are what the contracts keep, however the index came to its block."""

from pathlib import Path

import pytest
from agreement import contents, differences
from conftest_index import Lively

from gridroam.audit.source import NodeSource
from gridroam.index.follower import Follower
from gridroam.index.queries import Index
