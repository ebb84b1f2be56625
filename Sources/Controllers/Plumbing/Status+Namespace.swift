import APIMachinery

extension Status {
    /// Whether something cannot be created because its namespace is being deleted. Nothing is left to do then: to try
    /// again would be refused again, and that the namespace goes is heard of by what goes with it.
    var isNamespaceEnding: Bool {
        code == 403 && details?.causes.contains { $0.reason == "NamespaceTerminating" } == true
    }
}
