# Copyright 2020 The Hub Team.
