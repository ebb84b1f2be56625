extension FieldOwnership.ApplyConflicts {
    /// The 409 answer. `kubectl` and others match on its words.
    public var status: Status {
        let parts = conflicts.sorted { $0.owner < $1.owner }.flatMap { conflict in
            conflict.fields.paths.map { (owner: conflict.owner.messageText, path: $0.description) }
        }
        let causes = parts.map {
            Status.Cause(reason: "FieldManagerConflict", message: "conflict with \($0.owner)", field: $0.path)
        }
        return Status(
            code: 409, reason: .conflict, message: Self.message(parts), details: Status.Details(causes: causes))
    }

    private static func message(_ parts: [(owner: String, path: String)]) -> String {
        guard parts.count != 1 else {
            return "Apply failed with 1 conflict: conflict with \(parts[0].owner): \(parts[0].path)"
        }
        var lines: [String] = []
        var owner: String?
        for part in parts {
            if part.owner != owner { lines.append("conflicts with \(part.owner):") }
            owner = part.owner
            lines.append("- \(part.path)")
        }
        return "Apply failed with \(parts.count) conflicts: " + lines.joined(separator: "\n")
    }

    /// The conflicts without those about `fields`; `nil` when none is left.
    func excusing(_ fields: FieldSet) -> FieldOwnership.ApplyConflicts? {
        var left = self
        for index in left.conflicts.indices {
            left.conflicts[index].fields = left.conflicts[index].fields.subtracting(fields)
        }
        left.conflicts.removeAll(where: \.fields.isEmpty)
        return left.conflicts.isEmpty ? nil : left
    }
}

extension ManagedFields.Owner {
    fileprivate var messageText: String {
        var text = "\"\(manager)\""
        if !subresource.isEmpty { text += " with subresource \"\(subresource)\"" }
        return operation == .update ? text + " using \(apiVersion)" : text
    }
}
