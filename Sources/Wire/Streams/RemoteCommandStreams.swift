/// The streams of a remote command (exec, attach), whatever carries them.
///
/// Both sides hold the same struct. The server reads `stdin` and `resize` and writes the others; the client
/// does the reverse. A side ends what it writes with `closeWrite`. What the bytes of `error` and `resize`
/// mean is decided above.
public struct RemoteCommandStreams: Sendable {
    /// Which streams there are, as the request asks for them. `error` always is.
    public struct Wanted: Hashable, Sendable {
        public var stdin: Bool
        public var stdout: Bool
        public var stderr: Bool
        /// Changes of the terminal's size; asked for when there is a terminal.
        public var resize: Bool

        public init(stdin: Bool = false, stdout: Bool = false, stderr: Bool = false, resize: Bool = false) {
            self.stdin = stdin
            self.stdout = stdout
            self.stderr = stderr
            self.resize = resize
        }
    }

    public var stdin: (any ByteStream)?
    public var stdout: (any ByteStream)?
    public var stderr: (any ByteStream)?
    public var resize: (any ByteStream)?
    /// How the command ended.
    public var error: any ByteStream

    public init(
        error: any ByteStream, stdin: (any ByteStream)? = nil, stdout: (any ByteStream)? = nil,
        stderr: (any ByteStream)? = nil, resize: (any ByteStream)? = nil
    ) {
        self.error = error
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.resize = resize
    }

    /// Two ends within this process: a server and a client that need no connection between them.
    public static func pair(_ wanted: Wanted) -> (server: RemoteCommandStreams, client: RemoteCommandStreams)
    {
        func pair(_ isWanted: Bool) -> (MemoryByteStream, MemoryByteStream)? {
            isWanted ? MemoryByteStream.pair() : nil
        }
        let (stdin, stdout) = (pair(wanted.stdin), pair(wanted.stdout))
        let (stderr, resize) = (pair(wanted.stderr), pair(wanted.resize))
        let error = MemoryByteStream.pair()
        return (
            RemoteCommandStreams(
                error: error.0, stdin: stdin?.0, stdout: stdout?.0, stderr: stderr?.0, resize: resize?.0),
            RemoteCommandStreams(
                error: error.1, stdin: stdin?.1, stdout: stdout?.1, stderr: stderr?.1, resize: resize?.1)
        )
    }
}
