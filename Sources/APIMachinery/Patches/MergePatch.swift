/// A document that looks like the part of the object that it changes; null removes (RFC 7386).
public enum MergePatch {
    /// The changed object. The patch must be an object, since whole objects stay objects.
    public static func apply(_ patch: Value, to object: Value) throws(PatchError) -> Value {
        guard case .object(let fields) = patch else { throw PatchError(.malformed, "Invalid JSON Patch") }
        var result = object
        merge(fields, into: &result)
        return result
    }

    private static func merge(_ patch: Fields, into target: inout Value) {
        var fields = Fields()
        if case .object(let present) = target { fields = present }
        // Frees the reference, so that the fields are changed in place.
        target = .null
        for (key, change) in patch {
            switch change {
            case .null: fields[key] = nil
            case .object(let inner):
                if fields.update(key, { merge(inner, into: &$0) }) == nil {
                    var added = Value.emptyObject
                    merge(inner, into: &added)
                    fields[key] = added
                }
            default: fields[key] = change
            }
        }
        target = .object(fields)
    }
}
