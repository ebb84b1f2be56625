import APIMachinery

/// An owner that an object names twice counts once, and who names it so is told (Kubernetes 1.20 and later).
enum DuplicateOwners {
    /// Takes out what the list of owners has a second time. Returns the uids of those.
    static func remove(from object: inout Value) -> [String] {
        guard let owners = object.at("metadata", "ownerReferences")?.array, owners.count > 1 else { return [] }
        var (kept, twice): ([Value], [String]) = ([], [])
        var seen: Set<Value> = []
        for owner in owners {
            if seen.insert(owner).inserted { kept.append(owner) } else { twice.append(owner["uid"]?.string ?? "") }
        }
        if !twice.isEmpty { object[path: ["metadata", "ownerReferences"]] = .array(kept) }
        return twice
    }

    /// The same of what admission made.
    static func remove(from object: inout Value, noting notes: AdmissionNotes) {
        let twice = remove(from: &object)
        if !twice.isEmpty { notes.warn(warning(twice, "contains duplicate entries after mutating admission happens")) }
    }

    static func warning(_ uids: [String], _ what: String = "contains duplicate entries") -> String {
        ".metadata.ownerReferences \(what); API server dedups owner references in 1.20+, and may reject such requests as "
            + "early as 1.24; please fix your requests; duplicate UID(s) observed: \(uids.joined(separator: ", "))"
    }
}
