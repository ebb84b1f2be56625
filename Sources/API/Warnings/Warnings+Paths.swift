import APIMachinery

// Files of a volume that would hide each other.
extension Warnings {
    /// A file that a volume is told to have, and what gives it.
    private struct File {
        var path: String
        var source = ""

        /// Both are the same file, or one is in the place of a folder that the other needs.
        func collides(with other: File) -> Bool {
            !path.isEmpty && !other.path.isEmpty
                && ((path + "/").hasPrefix(other.path + "/") || (other.path + "/").hasPrefix(path + "/"))
        }

        var text: String { GoText.quoted(path) + (source.isEmpty ? "" : " (\(source))") }
    }

    /// The files that a volume is made of, where they are named (`pkg/api/pod`, overlapping virtual paths).
    mutating func overlaps(_ volume: Value) {
        let name = GoText.quoted(volume["name"].text)
        if let map = volume["configMap"] {
            overlaps(Self.files(map), "volume \(name) (ConfigMap \(GoText.quoted(map["name"].text)))")
        }
        if let secret = volume["secret"] {
            overlaps(Self.files(secret), "volume \(name) (Secret \(GoText.quoted(secret["secretName"].text)))")
        }
        if let own = volume["downwardAPI"] { overlaps(Self.files(own), "volume \(name) (DownwardAPI)") }
        var files: [File] = []
        for source in volume["projected"]["sources"].items {
            if source.fields?.isEmpty ?? true { say("volume \(name) (Projected) has no sources provided") }
            files += Self.projected(source)
        }
        overlaps(files, "volume \(name) (Projected)")
    }

    private static func files(_ source: Value, of name: String = "") -> [File] {
        source["items"].items.map { file($0["path"].text, name) }
    }

    private static func file(_ path: String, _ source: String) -> File {
        File(path: String(path.reversed().drop { $0 == "/" }.reversed()), source: source)
    }

    private static func projected(_ source: Value) -> [File] {
        if let map = source["configMap"] { return files(map, of: "ConfigMap \(GoText.quoted(map["name"].text))") }
        if let secret = source["secret"] { return files(secret, of: "Secret \(GoText.quoted(secret["name"].text))") }
        if let own = source["downwardAPI"] { return files(own, of: "DownwardAPI") }
        if let token = source["serviceAccountToken"] { return [file(token["path"].text, "ServiceAccountToken")] }
        if let bundle = source["clusterTrustBundle"] {
            let name = bundle["name"]?.string ?? bundle["signerName"].text
            return [file(bundle["path"].text, "ClusterTrustBundle \(GoText.quoted(name))")]
        }
        return []
    }

    private mutating func overlaps(_ files: [File], _ what: String) {
        for (index, file) in files.enumerated() {
            for other in files[..<index] where file.collides(with: other) {
                say("\(what): overlapping paths: \(file.text) with \(other.text)")
            }
        }
    }
}
