from .testing_utils import offline
