extension CRI {
    /// The signal that asks a container to stop, under the number that the interface gives it (not the
    /// kernel's).
    public struct StopSignal: RawRepresentable, Hashable, Sendable {
        public let rawValue: Int32
        public init(rawValue: Int32) { self.rawValue = rawValue }

        /// The image's, else `SIGTERM`.
        public static let runtimeDefault = StopSignal(rawValue: 0)

        /// By its name in the Kubernetes API (`SIGTERM`); `nil` for one that has none.
        public init?(name: String) {
            guard let index = Self.names.firstIndex(of: name) else { return nil }
            rawValue = Int32(index) + 1
        }

        /// Its name in the Kubernetes API; `nil` for the default and for numbers without a name.
        public var name: String? {
            Self.names.indices.contains(Int(rawValue) - 1) ? Self.names[Int(rawValue) - 1] : nil
        }

        private static let names = [
            "SIGABRT", "SIGALRM", "SIGBUS", "SIGCHLD", "SIGCLD", "SIGCONT", "SIGFPE", "SIGHUP", "SIGILL",
            "SIGINT", "SIGIO", "SIGIOT", "SIGKILL", "SIGPIPE", "SIGPOLL", "SIGPROF", "SIGPWR", "SIGQUIT",
            "SIGSEGV", "SIGSTKFLT", "SIGSTOP", "SIGSYS", "SIGTERM", "SIGTRAP", "SIGTSTP", "SIGTTIN",
            "SIGTTOU", "SIGURG", "SIGUSR1", "SIGUSR2", "SIGVTALRM", "SIGWINCH", "SIGXCPU", "SIGXFSZ",
            "SIGRTMIN", "SIGRTMINPLUS1", "SIGRTMINPLUS2", "SIGRTMINPLUS3", "SIGRTMINPLUS4", "SIGRTMINPLUS5",
            "SIGRTMINPLUS6", "SIGRTMINPLUS7", "SIGRTMINPLUS8", "SIGRTMINPLUS9", "SIGRTMINPLUS10",
            "SIGRTMINPLUS11", "SIGRTMINPLUS12", "SIGRTMINPLUS13", "SIGRTMINPLUS14", "SIGRTMINPLUS15",
            "SIGRTMAXMINUS14", "SIGRTMAXMINUS13", "SIGRTMAXMINUS12", "SIGRTMAXMINUS11", "SIGRTMAXMINUS10",
            "SIGRTMAXMINUS9", "SIGRTMAXMINUS8", "SIGRTMAXMINUS7", "SIGRTMAXMINUS6", "SIGRTMAXMINUS5",
            "SIGRTMAXMINUS4", "SIGRTMAXMINUS3", "SIGRTMAXMINUS2", "SIGRTMAXMINUS1", "SIGRTMAX",
        ]
    }
}
