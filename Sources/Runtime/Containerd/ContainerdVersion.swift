/// A version of containerd, as `containerd --version` prints it.
struct ContainerdVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
    var major: Int
    var minor: Int

    init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Reads `containerd github.com/containerd/containerd 1.6.20~ds1 ...` and the forms of other builders,
    /// which put a `v` before the number and anything behind it: the third word holds the version.
    init?(output: String) {
        let words = output.split(whereSeparator: \.isWhitespace)
        guard words.count >= 3, words[0] == "containerd" else { return nil }
        self.init(number: words[2])
    }

    /// Reads `1.6.20~ds1`, with or without a `v` before it.
    init?(number: some StringProtocol) {
        let numbers = number.drop { $0 == "v" }.split(separator: ".", maxSplits: 2)
        guard numbers.count >= 2, let major = Int(numbers[0]),
            let minor = Int(numbers[1].prefix { $0.isNumber })
        else { return nil }
        self.init(major: major, minor: minor)
    }

    /// The first that mounts images in containers by itself.
    static let mountsImages = ContainerdVersion(major: 2, minor: 1)

    /// The version of its configuration file's language.
    var configurationVersion: Int { major >= 2 ? 3 : 2 }

    static func < (a: ContainerdVersion, b: ContainerdVersion) -> Bool {
        (a.major, a.minor) < (b.major, b.minor)
    }

    var description: String { "\(major).\(minor)" }
}
