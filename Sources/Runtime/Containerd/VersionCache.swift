import APIMachinery
import Host
import Support

/// Remembers which version a program is, since asking it takes as long as a good part of our own start.
///
/// The answer holds for one file: a program that was replaced is asked again.
struct VersionCache {
    /// Where the answer is kept.
    var path: String

    /// The version of the program, from the cache or from `ask`.
    func version(
        of program: String, ask: () async throws -> ContainerdVersion
    ) async throws -> ContainerdVersion {
        let identity = try ProcessRecord.fingerprint(executable: program, [])
        if let known = read(identity) { return known }
        let version = try await ask()
        let record: Value = [
            "program": .string(identity), "major": .integer(Int64(version.major)),
            "minor": .integer(Int64(version.minor)),
        ]
        try Files.write(record.json, to: path, mode: 0o600)
        return version
    }

    private func read(_ identity: String) -> ContainerdVersion? {
        guard let bytes = try? Files.read(path, limit: .kibibytes(4)), let record = try? Value(json: bytes),
            record["program"]?.string == identity,
            let major = record["major"]?.integer.flatMap(Int.init(exactly:)),
            let minor = record["minor"]?.integer.flatMap(Int.init(exactly:))
        else { return nil }
        return ContainerdVersion(major: major, minor: minor)
    }
}
