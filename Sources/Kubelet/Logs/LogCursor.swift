import Host
import Support

/// A place in a log file, and what is being made of the bytes behind it. Used by one task.
struct LogCursor {
    /// The most that is read at a time, in bytes.
    static let chunkSize = 64 << 10

    private let path: String
    private var file: OpenFile
    private var offset: Int64
    private var formatter: LogFormatter
    /// Known as soon as the file is not empty.
    private var form: LogForm?
    private var dockerLines = DockerLogLines()

    /// The beginning of the part that `options` ask for.
    init(_ path: String, _ options: LogOptions) throws(Fault) {
        self.path = path
        let file = try OpenFile(path)
        self.file = file
        formatter = LogFormatter(options)
        offset = 0
        form = try Self.form(of: file)
        guard let lines = options.tailLines else { return }
        offset = try LogTail.start(
            ofLast: lines, size: file.status().size.bytes, form: form ?? .interface
        ) { range throws(Fault) in
            try file.read(at: range.lowerBound, upTo: range.count)
        }
    }

    /// As many bytes as were wanted have been read.
    var isDone: Bool { formatter.isDone }

    /// The next part, ready to be shown; it may be empty. `nil` at the present end of the file.
    mutating func next() throws(Fault) -> [UInt8]? {
        guard !isDone else { return nil }
        let chunk = try file.read(at: offset, upTo: Self.chunkSize)
        guard !chunk.isEmpty else { return nil }
        offset += Int64(chunk.count)
        if form == nil { form = try Self.form(of: file) }
        return formatter.format(form == .docker ? dockerLines.convert(chunk) : chunk)
    }

    private static func form(of file: OpenFile) throws(Fault) -> LogForm? {
        try file.read(at: 0, upTo: 1).first.map { LogForm(firstByte: $0) }
    }

    /// Goes to the beginning of the file that has the name now. False when that is the same one still, or none.
    mutating func moveToNextFile() throws(Fault) -> Bool {
        let next: OpenFile
        do throws(Fault) {
            next = try OpenFile(path)
        } catch where error.code == .notFound {
            return false
        }
        let (old, new) = (try file.status(), try next.status())
        guard (old.device, old.inode) != (new.device, new.inode) else { return false }
        file = next
        rewind()
        return true
    }

    /// Begins again if the file was emptied in place. True when it was.
    mutating func rewindIfEmptied() throws(Fault) -> Bool {
        guard try file.status().size.bytes < offset else { return false }
        rewind()
        return true
    }

    private mutating func rewind() {
        offset = 0
        (form, dockerLines) = (nil, DockerLogLines())
        formatter.startFile()
    }
}
