#include "CTables.h"

// C23 brings #embed; the compiler knows it already.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char bytes[] = {
#embed "sentences/meta.txt"
    ,
#embed "sentences/pods.txt"
    ,
#embed "sentences/storage.txt"
    ,
#embed "sentences/core.txt"
    ,
#embed "sentences/workloads.txt"
    ,
#embed "sentences/network.txt"
};

struct CTable CTables_sentences(void) { return (struct CTable){bytes, sizeof bytes}; }
