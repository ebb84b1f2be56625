import APIMachinery
import Wire

/// `/`: which plain paths there are, for people who look around and for tools that check that this is an API server.
struct PathIndex: DocumentSource {
    let sources: [any DocumentSource]

    var paths: [String] { [] }

    func document(_ request: HTTPRequest) throws(Status) -> Document? {
        guard request.path == "/" || request.path == "/index.html" else { return nil }
        let index: Value = ["paths": Value(Set(sources.flatMap(\.paths)).sorted())]
        return Document(contentType: "application/json", bytes: index.json)
    }
}
