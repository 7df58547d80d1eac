def data(table, stored):
    return ''
