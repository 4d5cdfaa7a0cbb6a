# Copyright (c) 2015 Rémi Exemple
