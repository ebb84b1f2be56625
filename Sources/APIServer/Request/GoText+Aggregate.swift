import APIMachinery

extension GoText {
    /// Several errors as Go's tools join them: the only one as it is, more in brackets; each once.
    static func aggregate(_ errors: [String]) -> String {
        var unique: [String] = []
        for error in errors where !unique.contains(error) { unique.append(error) }
        return unique.count == 1 ? unique[0] : "[" + unique.joined(separator: ", ") + "]"
    }
}
