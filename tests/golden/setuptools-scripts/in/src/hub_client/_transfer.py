# Copyright 2023-present, the Hub Team. All rights reserved.
