// The tables of the API as constant bytes, most of them written by Tools/tables.
#ifndef CTABLES_H
#define CTABLES_H

/// Bytes that live as long as the process.
struct CTable {
    const unsigned char *bytes;
    unsigned long count;
};

/// The types of the built-in kinds, as a schema table.
struct CTable CTables_kubernetes(void);
/// The messages of the container runtime interface, as a schema table.
struct CTable CTables_cri(void);
/// The messages of etcd, as a schema table.
struct CTable CTables_etcd(void);
/// The served resources, as JSON.
struct CTable CTables_resources(void);
/// The objects that RBAC starts with, as a JSON array.
struct CTable CTables_rbac(void);
/// The feature gates of Kubernetes with their defaults, as JSON; those that cannot be changed are lists of one.
struct CTable CTables_gates(void);
/// The rules of time zones and the names of those that have them, as lines of text.
struct CTable CTables_zones(void);
/// What is said of types and fields, as lines of text; `sentences/meta.txt` says how. Written by hand.
struct CTable CTables_sentences(void);

#endif
