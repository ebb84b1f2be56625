import APIMachinery
import Support

/// A version of Docker's Engine API, `1.41`.
struct DockerVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
    var major: Int
    var minor: Int

    /// Of Docker 20.10, and of Docker 25: what is said here holds in all versions between.
    static let least = DockerVersion(1, 41)
    static let most = DockerVersion(1, 44)
    /// Mounts that are read-only are so with all that is mounted below them.
    static let readsOnlyRecursively = DockerVersion(1, 44)

    init(_ major: Int, _ minor: Int) { (self.major, self.minor) = (major, minor) }

    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let major = parts[0], let minor = parts[1] else { return nil }
        self.init(major, minor)
    }

    var description: String { "\(major).\(minor)" }

    static func < (a: DockerVersion, b: DockerVersion) -> Bool { (a.major, a.minor) < (b.major, b.minor) }

    /// The version to speak with a server that answers `GET /version` so: the newest that both know.
    static func negotiated(_ answer: Value) throws(Fault) -> DockerVersion {
        let told = answer["ApiVersion"]?.string ?? ""
        guard let newest = DockerVersion(told) else {
            throw Fault(.corrupt, "Docker tells no version of its interface")
        }
        let oldest = answer["MinAPIVersion"]?.string.flatMap { DockerVersion($0) } ?? least
        guard newest >= least, oldest <= most else {
            throw Fault(
                .unsupported,
                "this Docker speaks versions \(oldest) to \(newest) of its interface, not \(least) to \(most)",
                remedy: newest < least ? "install Docker 20.10 or later" : "install an older one, or use containerd")
        }
        return min(newest, most)
    }
}
