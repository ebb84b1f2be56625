/// One line of `/proc/self/mountinfo` (proc(5)): a mount as this process sees it.
public struct MountPoint: Hashable, Sendable {
    /// Who hears of mounts and unmounts below this one (mount_namespaces(7)).
    public enum Propagation: Hashable, Sendable {
        case shared, `private`, slave, unbindable
        /// Hears and is heard.
        case sharedSlave
    }

    public var id: Int
    public var parentID: Int
    /// `major:minor` of the device.
    public var device: String
    /// Which directory of the file system is mounted; not `/` for a bind mount of a part.
    public var root: String
    /// Where it is mounted.
    public var path: String
    /// Of this mount: `ro`, `nosuid`, ...
    public var options: [String]
    public var propagation: Propagation
    /// `ext4`, `tmpfs`, ...
    public var type: String
    /// The device, the server, or any word, as it was given to `mount`.
    public var source: String
    /// Of the file system itself: on cgroup v1, its controllers.
    public var superOptions: [String]

    public var isReadOnly: Bool { options.contains("ro") }

    /// Reads one line; `nil` when it has not the form of proc(5).
    public init?(line: some StringProtocol) {
        // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
        let words = String(line).split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard let dash = words.firstIndex(of: "-"), dash >= 6, words.count >= dash + 4,
            let id = Int(words[0]), let parentID = Int(words[1])
        else { return nil }
        self.id = id
        self.parentID = parentID
        device = words[2]
        root = unescape(words[3])
        path = unescape(words[4])
        options = words[5].split(separator: ",").map(String.init)
        let tags = words[6..<dash]
        let (isShared, isSlave) = (
            tags.contains { $0.hasPrefix("shared:") }, tags.contains { $0.hasPrefix("master:") }
        )
        propagation =
            switch (isShared, isSlave) {
            case (true, true): .sharedSlave
            case (true, false): .shared
            case (false, true): .slave
            case (false, false): tags.contains("unbindable") ? .unbindable : .private
            }
        type = words[dash + 1]
        source = unescape(words[dash + 2])
        superOptions = words[dash + 3].split(separator: ",").map(String.init)
    }

    /// All lines of a mountinfo file, in the order in which they were mounted over each other.
    static func all(in text: String) -> [MountPoint] {
        text.split(separator: "\n").compactMap { MountPoint(line: $0) }
    }
}

/// Space, tab, newline and backslash are written as three octal digits.
private func unescape(_ word: String) -> String {
    guard word.utf8.contains(UInt8(ascii: "\\")) else { return word }
    var (bytes, rest) = ([UInt8](), Array(word.utf8)[...])
    while let byte = rest.popFirst() {
        let digits = rest.prefix(3)
        if byte == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (48...55).contains($0) }) {
            bytes.append(digits.reduce(0) { $0 &* 8 &+ ($1 - 48) })
            rest = rest.dropFirst(3)
        } else {
            bytes.append(byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
