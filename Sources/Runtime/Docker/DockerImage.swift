import APIMachinery
import Support

/// Images between the interface's words and Docker's.
enum DockerImage {
    /// An entry of `GET /images/json`, or the answer of `GET /images/NAME/json`, which tells the user besides. Names are in
    /// full, as other runtimes tell them; Docker shortens those of its own registry.
    static func image(_ value: Value) -> CRI.Image? {
        guard let id = (value["Id"] ?? value["ID"])?.string else { return nil }
        var image = CRI.Image()
        image.id = id
        let names = Self.names(value)
        image.repoTags = names.tags.map { ImageReference($0)?.description ?? $0 }
        image.repoDigests = names.digests.map { ImageReference($0)?.description ?? $0 }
        image.size = UInt64(clamping: value["Size"]?.integer ?? 0)
        if let user = value.at("Config", "User")?.string { (image.uid, image.username) = Self.user(user) }
        return image
    }

    /// As Docker tells them, without those that say "none".
    static func names(_ value: Value) -> (tags: [String], digests: [String]) {
        func list(_ key: String) -> [String] {
            (value[key]?.array ?? []).compactMap(\.string).filter { !$0.hasPrefix("<none>") }
        }
        return (list("RepoTags"), list("RepoDigests"))
    }

    /// `Config.User` of an image: `user[:group]`, where the user is a number or a name.
    static func user(_ text: String) -> (uid: Int64?, name: String) {
        let user = text.prefix { $0 != ":" }
        if user.isEmpty { return (nil, "") }
        if let number = Int64(user) { return (number, "") }
        return (nil, String(user))
    }

    /// What Docker finds an image by: an id as it is, a name in full, and of a name with tag and digest the digest, which it
    /// alone decides.
    static func name(_ text: String) -> String {
        var text = text
        for prefix in ["docker-pullable://", "docker://"] where text.hasPrefix(prefix) {
            text = String(text.dropFirst(prefix.utf8.count))
        }
        if text.hasPrefix("sha256:") { return text }
        guard var reference = ImageReference(text) else { return text }
        if reference.digest != nil { reference.tag = nil }
        return reference.description
    }

    /// The header `X-Registry-Auth` of a pull: JSON in Base64 for URLs, with its padding.
    static func authentication(_ auth: CRI.AuthConfig) -> String {
        var (username, password) = (auth.username, auth.password)
        if username.isEmpty, let bytes = Base64.decode(auth.auth) {
            let text = String(decoding: bytes.filter { $0 != 0 }, as: UTF8.self)
            if let colon = text.firstIndex(of: ":") {
                (username, password) = (String(text[..<colon]), String(text[text.index(after: colon)...]))
            }
        }
        var fields = Fields()
        let all = [
            ("username", username), ("password", password), ("serveraddress", auth.serverAddress),
            ("identitytoken", auth.identityToken), ("registrytoken", auth.registryToken),
        ]
        for (key, value) in all where !value.isEmpty { fields[key] = .string(value) }
        return String(
            Base64.encode(Value.object(fields).json).map { (character: Character) -> Character in
                switch character {
                case "+": "-"
                case "/": "_"
                default: character
                }
            })
    }
}

/// What Docker says while it pulls or loads an image: a JSON value a line.
struct DockerProgress: Sendable {
    /// The last words, for whoever gives up waiting.
    private(set) var last = ""
    /// Why it failed. It is told in the stream, after a good beginning.
    private(set) var failure: String?

    mutating func note(_ line: Value) {
        if let status = line["status"]?.string {
            let layer = line["id"]?.string.map { $0 + ": " } ?? ""
            last = layer + status
        }
        if let error = line.at("errorDetail", "message")?.string ?? line["error"]?.string { failure = error }
    }
}
