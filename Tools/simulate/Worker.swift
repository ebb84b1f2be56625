import Glibc
import Support

/// Another process of this program, for a share of the seeds: each life takes one thread for itself.
struct Worker {
    private let process: pid_t
    private let output: Int32

    /// `arguments` as on the command line, the program's name first.
    init(_ arguments: [String]) throws(Fault) {
        var pipe: [Int32] = [0, 0]
        guard Glibc.pipe(&pipe) == 0 else { throw Self.fault("no pipe can be made", errno) }
        // The other processes shall not keep it open.
        for end in pipe { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var environment: [UnsafeMutablePointer<CChar>?] = [strdup(Command.fixedHashes + "=1"), nil]
        defer { free(environment[0]) }
        var process = pid_t()
        let code = posix_spawn(&process, "/proc/self/exe", &actions, nil, &words, &environment)
        close(pipe[1])
        guard code == 0 else { throw Self.fault("no process can be started", code) }
        (self.process, output) = (process, pipe[0])
    }

    /// Passes on what the process tells people, and returns its tally when it has ended.
    func finish() throws(Fault) -> Tally {
        var (text, tally): ([UInt8], Tally?) = ([], nil)
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(output, &buffer, buffer.count)
            guard count > 0 else {
                if count < 0, errno == EINTR { continue }
                break
            }
            text += buffer[..<count]
            while let end = text.firstIndex(of: 10) {
                let line = String(decoding: text[..<end], as: UTF8.self)
                text.removeSubrange(...end)
                if let told = Tally(line: line) { tally = told } else { Terminal.write(line) }
            }
        }
        close(output)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        guard let tally else { throw Fault(.failed, "a process of the simulator ended before its time (\(status))") }
        return tally
    }

    private static func fault(_ what: String, _ code: Int32) -> Fault {
        Fault(.failed, "\(what): \(String(cString: strerror(code)))")
    }
}
