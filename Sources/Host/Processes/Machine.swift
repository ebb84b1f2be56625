import Glibc
public import Support

/// Facts about the machine and this process, read when asked for.
public enum Machine {
    /// Of the calling process: 0 is root.
    public static var effectiveUserID: UInt32 { geteuid() }
    public static var effectiveGroupID: UInt32 { getegid() }
    public static var processID: Int32 { getpid() }

    /// Who a user of this machine is.
    public struct Account: Hashable, Sendable {
        public var name: String
        public var home: String

        public init(name: String, home: String) {
            self.name = name
            self.home = home
        }
    }

    // getent passwd ID
    /// The account with this id, wherever the machine knows it from; `nil` when it has none.
    public static func account(ofUser id: UInt32) -> Account? {
        var (entry, found) = (passwd(), UnsafeMutablePointer<passwd>?.none)
        var buffer = [CChar](repeating: 0, count: 16 << 10)
        guard getpwuid_r(id, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return nil }
        return Account(name: String(cString: entry.pw_name), home: String(cString: entry.pw_dir))
    }

    public static func hostname() throws(Fault) -> String {
        try uname().nodename
    }

    /// As `uname -r` prints it.
    public static func kernelVersion() throws(Fault) -> String {
        try uname().release
    }

    /// As Kubernetes and OCI name it: `amd64`, `arm64`, ...
    public static var architecture: String {
        #if arch(x86_64)
            "amd64"
        #elseif arch(arm64)
            "arm64"
        #elseif arch(arm)
            "arm"
        #elseif arch(riscv64)
            "riscv64"
        #else
            #error("name this architecture as OCI does")
        #endif
    }

    /// Changes with each start of the machine.
    public static func bootID() throws(Fault) -> String {
        try line("/proc/sys/kernel/random/boot_id")
    }

    /// Stays for the life of an installation; the boot's when the system has none (machine-id(5)).
    public static func machineID() throws(Fault) -> String {
        for path in ["/etc/machine-id", "/var/lib/dbus/machine-id"] {
            if let id = try? line(path), !id.isEmpty { return id }
        }
        return try bootID()
    }

    /// The hardware's, where the firmware tells it; else the machine's.
    public static func systemUUID() throws(Fault) -> String {
        for path in ["/sys/class/dmi/id/product_uuid", "/proc/device-tree/vm,uuid"] {
            if let id = try? line(path), !id.isEmpty { return id }
        }
        return try machineID()
    }

    /// The system's name for people, `Debian GNU/Linux 12 (bookworm)` (os-release(5)).
    public static func osImage() -> String {
        for path in ["/etc/os-release", "/usr/lib/os-release"] {
            if let text = try? Files.readText(path), let name = osImage(in: text) { return name }
        }
        return "Linux"
    }

    static func osImage(in text: String) -> String? {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("PRETTY_NAME=") }) else {
            return nil
        }
        return line.dropFirst("PRETTY_NAME=".count).filter { $0 != "\"" && $0 != "'" }
    }

    /// Processors that are switched on, whether or not this process may use all of them.
    public static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Whether the kernel confines programs by AppArmor profiles.
    public static var hasAppArmor: Bool { (try? line("/sys/module/apparmor/parameters/enabled")) == "Y" }

    /// Memory and swap of the whole machine.
    public struct Memory: Hashable, Sendable {
        public var total: ByteCount
        /// What could be given out without swapping (proc(5), `MemAvailable`).
        public var available: ByteCount
        public var swapTotal: ByteCount
        public var swapFree: ByteCount
    }

    public static func memory() throws(Fault) -> Memory {
        guard let memory = Memory(inMeminfo: try Files.readText("/proc/meminfo")) else {
            throw Fault(.corrupt, "/proc/meminfo has not its usual form")
        }
        return memory
    }

    private static func line(_ path: String) throws(Fault) -> String {
        let text = try Files.readText(path, limit: .kibibytes(4))
        return String(text.prefix { $0 != "\n" && $0 != "\0" })
    }

    private static func uname() throws(Fault) -> (nodename: String, release: String) {
        try trying("cannot ask for the system's name") { () throws(Errno) in
            var names = utsname()
            try system { Glibc.uname(&names) }
            return (string(names.nodename), string(names.release))
        }
    }

    private static func string<Tuple>(_ characters: Tuple) -> String {
        withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

extension Machine.Memory {
    init?(inMeminfo text: String) {
        var values: [Substring: Int64] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split { $0 == " " || $0 == ":" }
            if words.count >= 2, let value = Int64(words[1]) { values[words[0]] = value }
        }
        guard let total = values["MemTotal"], let available = values["MemAvailable"] else { return nil }
        self.init(
            total: .kibibytes(total), available: .kibibytes(available),
            swapTotal: .kibibytes(values["SwapTotal"] ?? 0), swapFree: .kibibytes(values["SwapFree"] ?? 0))
    }
}
