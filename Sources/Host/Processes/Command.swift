import CLinux
import Glibc
public import Support

/// A program to start, with everything that it gets from us: nothing is inherited that is not named here.
public struct Command: Sendable {
    /// Which processes are signalled together with the child.
    public enum Grouping: Int32, Sendable {
        /// The terminal's Ctrl-C reaches it too.
        case inherited = 0
        case ownProcessGroup = 1
        /// No controlling terminal either: for what outlives us.
        case ownSession = 2
    }

    /// What the child reads or writes at one of its descriptors.
    public enum Stream: Sendable {
        case null
        /// Ours.
        case inherited
        case descriptor(Descriptor)
    }

    /// A path, or a name that is looked up in the child's `PATH`.
    public var executable: String
    /// Without the program's own name.
    public var arguments: [String]
    /// The whole environment; ``ownEnvironment`` to pass ours on.
    public var environment: [String: String]
    public var directory: String?
    public var input: Stream = .null
    public var output: Stream = .inherited
    public var errors: Stream = .inherited
    /// The child's descriptors 3, 4, ...
    public var further: [Descriptor] = []
    public var grouping: Grouping = .ownProcessGroup
    /// In new ones of these kinds the child begins; the others it shares with us.
    public var namespaces: Namespaces = []
    /// Sent to the child when this process ends, however it ends. `nil` for a child that must outlive it.
    public var parentDeathSignal: Signal?

    public init(
        _ executable: String, _ arguments: [String] = [], environment: [String: String] = ownEnvironment
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
    }

    /// The environment of this process.
    public static var ownEnvironment: [String: String] {
        var variables: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let text = String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            next += 1
        }
        return variables
    }

    /// Starts it. Returns when the program runs; that it cannot run is a fault here, not an exit code later.
    ///
    /// Somebody must ``ChildProcess/wait()`` for the child, or it stays a zombie as long as we live.
    public func start() async throws(Fault) -> ChildProcess {
        let path = try locate()
        let started = await EventThread.shared.perform { fork(path).flatMap { finish($0, path) } }
        return try started.get()
    }

    /// Starts it, but not before `record` has returned, which writes down which process it will be: for what must be
    /// found again by those who come after us. If this process ends before, however it ends, or if `record` fails,
    /// the program never runs.
    public func start(
        recording record: (ProcessIdentity) async throws(Fault) -> Void
    ) async throws(Fault) -> ChildProcess {
        let path = try locate()
        let begun = try await EventThread.shared.perform { fork(path, isGated: true) }.get()
        var failure: Fault?
        do throws(Fault) {
            // It is our child, so its number is its own even when it has ended.
            guard let identity = ProcessIdentity(pid: begun.pid) else {
                throw Fault(.failed, "cannot tell which process \(path) is")
            }
            try await record(identity)
        } catch { failure = error }
        let mayBegin = failure == nil
        let started = await EventThread.shared.perform { finish(begun, path, mayBegin: mayBegin) }
        if let failure { throw failure }
        return try started.get()
    }

    /// The path of the executable: itself if it has a slash, else the first in `PATH` that may be run.
    public func locate() throws(Fault) -> String {
        if executable.contains("/") { return executable }
        let folders = (environment["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .split(separator: ":")
        for folder in folders {
            let candidate = Path.join(String(folder), executable)
            if access(candidate, X_OK) == 0 { return candidate }
        }
        throw Fault(
            .notFound, "there is no program \(executable) in \(folders.joined(separator: ":"))",
            remedy: "install it or correct PATH", cause: Errno(ENOENT))
    }

    /// A child that does not run its program yet.
    private struct Begun: Sendable {
        var pid: Int32
        var report: Int32
        var gate: Int32
    }

    private func fork(_ path: String, isGated: Bool = false) -> Result<Begun, Fault> {
        let numbers: [Int32] =
            zip(0..., [input, output, errors]).map { standard, stream in
                switch stream {
                case .null: -1
                case .inherited: Int32(standard)
                case .descriptor(let descriptor): descriptor.number
                }
            } + further.map(\.number)
        let variables = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        var spawned = linux_spawned()
        let result = withCStrings([executable] + arguments) { arguments in
            withCStrings(variables) { variables in
                withOptionalCString(directory) { directory in
                    path.withCString { path in
                        var request = linux_spawn_request(
                            path: path, arguments: arguments, environment: variables, directory: directory,
                            descriptors: nil, descriptor_count: Int32(numbers.count),
                            grouping: grouping.rawValue, parent_death_signal: parentDeathSignal?.number ?? 0,
                            is_gated: isGated ? 1 : 0, namespaces: namespaces.rawValue)
                        return numbers.withUnsafeBufferPointer { numbers in
                            request.descriptors = numbers.baseAddress
                            return linux_spawn(&request, &spawned)
                        }
                    }
                }
            }
        }
        withExtendedLifetime(self) {}
        guard result == 0 else {
            return .failure(failure(.last, stage: Int32(linux_spawn_fork.rawValue), path: path))
        }
        return .success(Begun(pid: spawned.pid, report: spawned.report, gate: spawned.gate))
    }

    private func finish(_ begun: Begun, _ path: String, mayBegin: Bool = true) -> Result<ChildProcess, Fault> {
        var spawned = linux_spawned(pid: begun.pid, report: begun.report, gate: begun.gate)
        var stage: Int32 = 0
        guard linux_spawn_finish(&spawned, mayBegin ? 1 : 0, &stage) == 0 else {
            return .failure(failure(.last, stage: stage, path: path))
        }
        let pid = begun.pid
        do throws(Errno) {
            return .success(
                ChildProcess(pid: pid, pidfd: Descriptor(owning: try system { linux_pidfd_open(pid) })))
        } catch {
            // Without a handle nobody could ever wait for it.
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
            return .failure(
                Fault(error, "cannot follow the process \(path)", remedy: "Linux 5.4 or later is needed"))
        }
    }

    private func failure(_ error: Errno, stage: Int32, path: String) -> Fault {
        let what =
            switch linux_spawn_stage(UInt32(stage)) {
            case linux_spawn_group: "its process group"
            case linux_spawn_death_signal: "its parent-death signal"
            case linux_spawn_directory: "its directory \(directory ?? "")"
            case linux_spawn_descriptors: "its descriptors"
            case linux_spawn_exec: "the program"
            case linux_spawn_gate: "it was not written down"
            default: "a new process"
            }
        return Fault(error, "cannot start \(path): \(what)")
    }
}

private func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var pointers = strings.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return body(&pointers)
}

private func withOptionalCString<Result>(_ string: String?, _ body: (UnsafePointer<CChar>?) -> Result)
    -> Result
{
    guard let string else { return body(nil) }
    return string.withCString(body)
}
