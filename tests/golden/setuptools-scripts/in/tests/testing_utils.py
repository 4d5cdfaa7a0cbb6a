offline = None
