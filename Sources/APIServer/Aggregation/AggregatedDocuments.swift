import APIMachinery
import Wire

/// Discovery and the index of OpenAPI 3, with what other servers answer for. While there are none, this server's own
/// documents are served as they are.
struct AggregatedDocuments: DocumentSource {
    let table: ExtensionTable
    let discovery: any DocumentSource
    let openAPI: any DocumentSource

    var paths: [String] {
        discovery.paths + openAPI.paths + table.present.flatMap { ["/apis/" + $0.group, $0.path] }
    }

    func document(_ request: HTTPRequest) throws(Status) -> Document? {
        guard var document = try present(request) else { return nil }
        if DiscoveryForm.isAbout(request.path) {
            let form = try DiscoveryForm(request)
            document.contentType = form.contentType
            document.bytes = try form.write(document.bytes)
        }
        return document.answer(to: request)
    }

    private func present(_ request: HTTPRequest) throws(Status) -> Document? {
        guard !table.isEmpty else {
            if let own = try discovery.document(request) { return own }
            return try openAPI.document(request)
        }
        var path = request.path
        if path.count > 1, path.hasSuffix("/") { path.removeLast() }
        switch path {
        case "/apis":
            table.asked()
            return try discovery.document(request)?.changed { local in
                let extensions = ExtensionDiscovery(table.present)
                return local["kind"] == "APIGroupList" ? extensions.groupList(local) : extensions.aggregated(local)
            }
        case "/openapi/v3":
            table.asked()
            return try openAPI.document(request)?.changed(addDocuments)
        default: break
        }
        let own = try discovery.document(request)
        let parts = path.split(separator: "/")
        if parts.count == 2, parts[0] == "apis" {
            let local = own.flatMap { try? Value(json: $0.bytes) }
            if let group = ExtensionDiscovery(table.present).groupDocument(String(parts[1]), local) {
                return Document(contentType: "application/json", bytes: group.json)
            }
        }
        if let own { return own }
        return try openAPI.document(request)
    }

    /// Names the documents that other servers have.
    private func addDocuments(_ index: Value) -> Value {
        var index = index
        for server in table.present {
            guard server.isAvailable, let hash = server.offer?.documentHash else { continue }
            let key = String(server.path.dropFirst())
            index[path: ["paths", key, "serverRelativeURL"]] = .string("/openapi/v3/\(key)?hash=\(hash)")
        }
        return index
    }
}

extension Document {
    /// The document with its JSON changed.
    fileprivate func changed(_ change: (Value) -> Value) throws(Status) -> Document {
        do throws(JSONError) {
            var new = self
            new.bytes = change(try Value(json: bytes)).json
            if tag != nil { new.tag = Self.tag(of: new.bytes) }
            return new
        } catch {
            throw .internalError("an own document is not JSON: \(error)")
        }
    }
}
