import APIMachinery
import Host
import PKI
import Support

/// What is written down of a process that may outlive us, so that the next run finds this very process again.
struct ProcessRecord: Hashable, Sendable {
    var identity: ProcessIdentity
    /// Numbers of processes mean nothing after a restart of the machine.
    var bootID: String
    /// Of everything that the process was started with: another one is another process.
    var fingerprint: String
    /// A moment just before the process was started, by the system's clock; `nil` in the records of older
    /// versions.
    var begun: Timestamp?

    init(identity: ProcessIdentity, bootID: String, fingerprint: String, begun: Timestamp? = nil) {
        self.identity = identity
        self.bootID = bootID
        self.fingerprint = fingerprint
        self.begun = begun
    }

    /// Reads a record; `nil` when it has not the form of one, as after an older version.
    init?(json bytes: [UInt8]) {
        guard let value = try? Value(json: bytes), let bootID = value["bootID"]?.string,
            let fingerprint = value["fingerprint"]?.string,
            let pid = value["pid"]?.integer.flatMap(Int32.init(exactly:)),
            let start = value["startTime"]?.integer.flatMap(UInt64.init(exactly:))
        else { return nil }
        self.init(
            identity: ProcessIdentity(pid: pid, startTime: start), bootID: bootID, fingerprint: fingerprint,
            begun: value["begun"]?.string.flatMap { Timestamp($0) })
    }

    var json: [UInt8] {
        var value: Value = [
            "pid": .integer(Int64(identity.pid)), "startTime": .integer(Int64(identity.startTime)),
            "bootID": .string(bootID), "fingerprint": .string(fingerprint),
        ]
        if let begun { value["begun"] = .string(begun.format(fractionDigits: 9)) }
        return value.json
    }

    /// The recorded process, if it still runs.
    static func running(at path: String) -> ProcessRecord? {
        guard let bytes = try? Files.read(path, limit: .kibibytes(4)),
            let record = ProcessRecord(json: bytes),
            let bootID = try? Machine.bootID(), record.bootID == bootID, record.identity.isRunning
        else { return nil }
        return record
    }

    /// One text for an executable and what it is given. A program that was replaced is another one.
    static func fingerprint(executable: String, _ inputs: [String]) throws(Fault) -> String {
        let file = try Files.status(of: executable)
        let parts = [executable, "\(file.device) \(file.inode) \(file.modified.microseconds)"] + inputs
        return Hex.encode(Digest.sha256(Array(parts.joined(separator: "\u{0}").utf8)))
    }
}
