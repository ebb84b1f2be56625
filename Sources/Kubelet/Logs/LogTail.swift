/// Finds where the last lines of a log begin, by reading from its end.
///
/// Pure: it asks for blocks and never holds more than one. A line that the runtime cut into parts is one line.
struct LogTail: Sendable {
    static let blockSize = 64 << 10

    private let lines: Int
    /// How many lines begin behind the position that was reached.
    private var found = 0
    /// Where the line that was found last begins.
    private var start: Int64
    private let size: Int64
    private let form: LogForm

    private init(_ lines: Int, size: Int64, form: LogForm) {
        self.lines = lines
        self.size = size
        self.form = form
        start = size
    }

    /// The offset of the first of the last `lines` lines in a file of `size` bytes. `read` returns the bytes of a range
    /// that lies within the file.
    static func start<Failure: Error>(
        ofLast lines: Int, size: Int64, form: LogForm = .interface, read: (Range<Int64>) throws(Failure) -> [UInt8]
    ) throws(Failure) -> Int64 {
        guard lines > 0 else { return size }
        var tail = LogTail(lines, size: size, form: form)
        var end = size
        while end > 0 {
            let begin = max(0, end - Int64(blockSize))
            // One byte more in front tells whether a line begins there; behind, the head of the last line may reach
            // into the next block.
            let range = max(0, begin - 1)..<min(size, end + Int64(form.lookahead))
            let block = try read(range)
            if let start = tail.search(block, at: range.lowerBound, lines: begin..<end) { return start }
            end = begin
        }
        return 0
    }

    /// Looks at the lines that begin within `lines`, the last one first. `block` is what the file holds from `offset` on.
    private mutating func search(_ block: [UInt8], at offset: Int64, lines: Range<Int64>) -> Int64? {
        for position in stride(from: lines.upperBound - 1, through: lines.lowerBound, by: -1) {
            let index = Int(position - offset)
            guard index < block.count, position == 0 || block[index - 1] == UInt8(ascii: "\n") else { continue }
            if let start = add(form.isPartial(block[index...]), at: position) { return start }
        }
        return nil
    }

    /// The next line going back. The last line of the file counts even if it is only begun.
    private mutating func add(_ isPartial: Bool, at position: Int64) -> Int64? {
        if !isPartial || start == size { found += 1 }
        guard found <= lines else { return start }
        start = position
        return nil
    }
}
