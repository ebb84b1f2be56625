import APIMachinery

/// Owners that an object names twice, which is a mistake that clients are told of and forgiven.
enum OwnerDuplicates {
    /// When duplicates were found.
    enum Moment: String {
        case inRequest = ""
        case afterAdmission = " after mutating admission happens"
    }

    /// Takes out owner references that stand there once more, and warns of them.
    static func remove(from object: inout Value, _ moment: Moment, _ notes: AdmissionNotes) {
        let path = ["metadata", "ownerReferences"]
        guard let owners = object[path: path]?.array, owners.count > 1 else { return }
        var seen: Set<Value> = []
        var duplicates: [String] = []
        let kept = owners.filter { owner in
            if seen.insert(owner).inserted { return true }
            duplicates.append(owner["uid"]?.string ?? "")
            return false
        }
        guard !duplicates.isEmpty else { return }
        object[path: path] = .array(kept)
        notes.warn(
            ".metadata.ownerReferences contains duplicate entries\(moment.rawValue); API server dedups owner references in "
                + "1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) "
                + "observed: " + duplicates.joined(separator: ", "))
    }
}
