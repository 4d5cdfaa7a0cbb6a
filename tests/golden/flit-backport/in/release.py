print('a stray script beside the module')
