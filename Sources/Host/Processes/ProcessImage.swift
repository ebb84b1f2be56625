import Glibc
public import Support

/// The program that this process runs.
public enum ProcessImage {
    /// Puts a fresh start of this program in the place of this process, with the same arguments, environment and
    /// number, and of its open files with none but `kept`, under its number. Children stay. Returns only when that fails.
    public static func beginAnew(keeping kept: Descriptor? = nil) throws(Fault) {
        let open = try Files.list("/proc/self/fd").compactMap { Int32($0) }
        try trying("cannot begin anew") { () throws(Errno) in
            // Threads of the libraries that we are called on block signals, which a fresh start would inherit.
            var none = sigset_t()
            sigemptyset(&none)
            pthread_sigmask(SIG_SETMASK, &none, nil)
            // What is open is closed by what follows.
            for number in open where number > 2 { _ = fcntl(number, F_SETFD, number == kept?.number ? 0 : FD_CLOEXEC) }
            try system { execv(path, CommandLine.unsafeArgv) }
        }
    }

    /// The file as it is called, so that the process goes on to be called like it; another one may have taken its place.
    private static var path: String {
        let link = "/proc/self/exe"
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(link, &buffer, buffer.count - 1)
        guard count > 0 else { return link }
        let target = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return Files.exists(target) ? target : link
    }
}
