"""What an interrupted run of the engine left behind: found, judged by what Azure says, and put in order.

Owns the rules of `azml recover`. Deliberately prints nothing: the command does.

    locks        who holds a stack of a file backend, and whether that process is gone
    checkpoint   a state file that a full disk cut
    interrupted  operations of which nobody knows how they ended: from the state, and from the engine's journal
    verdict      what Azure says of one of them, and what follows for the state
    state        the stack's state, exported, edited and imported
    repair       the order of all that
"""
