/// Why a stream was reset (SPDY/3.1, section 2.6.3). An open set.
public struct SPDYResetStatus: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let protocolError = SPDYResetStatus(rawValue: 1)
    public static let invalidStream = SPDYResetStatus(rawValue: 2)
    /// The stream was not begun, and may be tried again.
    public static let refusedStream = SPDYResetStatus(rawValue: 3)
    public static let cancel = SPDYResetStatus(rawValue: 5)
    public static let internalError = SPDYResetStatus(rawValue: 6)
    public static let flowControlError = SPDYResetStatus(rawValue: 7)
}

/// Why a connection ends (SPDY/3.1, section 2.6.6). An open set.
public struct SPDYGoAwayStatus: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let ok = SPDYGoAwayStatus(rawValue: 0)
    public static let protocolError = SPDYGoAwayStatus(rawValue: 1)
    public static let internalError = SPDYGoAwayStatus(rawValue: 2)
}

/// One control frame, its header block still compressed.
enum SPDYControlFrame: Equatable {
    case synStream(id: UInt32, isFinal: Bool, isUnidirectional: Bool, block: [UInt8])
    case synReply(id: UInt32, isFinal: Bool, block: [UInt8])
    case headers(id: UInt32, isFinal: Bool, block: [UInt8])
    case resetStream(id: UInt32, SPDYResetStatus)
    case settings([UInt32: UInt32])
    case ping(UInt32)
    case goAway(last: UInt32, SPDYGoAwayStatus)
    case windowUpdate(id: UInt32, delta: UInt32)
    /// A type that is not known here; such frames are skipped.
    case unknown

    static let version: UInt16 = 3
    static let initialWindowSetting: UInt32 = 7
    static let maximumStreamsSetting: UInt32 = 4

    /// Reads what comes after the eight bytes that begin every frame; `nil` when it is malformed.
    init?(type: UInt16, flags: UInt8, payload: [UInt8]) {
        func number(_ index: Int) -> UInt32 { payload[index..<index + 4].reduce(0) { $0 << 8 | UInt32($1) } }
        func id(_ index: Int) -> UInt32 { number(index) & 0x7FFF_FFFF }
        let isFinal = flags & 1 != 0
        switch (type, payload.count) {
        case (1, 10...):
            self = .synStream(
                id: id(0), isFinal: isFinal, isUnidirectional: flags & 2 != 0, block: Array(payload[10...]))
        case (2, 4...): self = .synReply(id: id(0), isFinal: isFinal, block: Array(payload[4...]))
        case (8, 4...): self = .headers(id: id(0), isFinal: isFinal, block: Array(payload[4...]))
        case (3, 8): self = .resetStream(id: id(0), SPDYResetStatus(rawValue: number(4)))
        case (4, 4...):
            guard Int(number(0)) * 8 == payload.count - 4 else { return nil }
            var settings: [UInt32: UInt32] = [:]
            for index in stride(from: 4, to: payload.count, by: 8) {
                settings[number(index) & 0xFF_FFFF] = number(index + 4)
            }
            self = .settings(settings)
        case (6, 4): self = .ping(number(0))
        case (7, 8): self = .goAway(last: id(0), SPDYGoAwayStatus(rawValue: number(4)))
        case (9, 8): self = .windowUpdate(id: id(0), delta: number(4) & 0x7FFF_FFFF)
        case (1...4, _), (6...9, _): return nil
        default: self = .unknown
        }
    }

    /// The wire form; nothing for ``unknown``.
    func encode() -> [UInt8] {
        switch self {
        case .synStream(let id, let isFinal, let isUnidirectional, let block):
            // No associated stream, the highest priority, no credential.
            let head = Wire.bytes(id) + [0, 0, 0, 0, 0, 0]
            return frame(1, flags: (isFinal ? 1 : 0) | (isUnidirectional ? 2 : 0), head + block)
        case .synReply(let id, let isFinal, let block):
            return frame(2, flags: isFinal ? 1 : 0, Wire.bytes(id) + block)
        case .headers(let id, let isFinal, let block):
            return frame(8, flags: isFinal ? 1 : 0, Wire.bytes(id) + block)
        case .resetStream(let id, let status): return frame(3, Wire.bytes(id) + Wire.bytes(status.rawValue))
        case .settings(let settings):
            let entries = settings.sorted { $0.key < $1.key }.flatMap {
                Wire.bytes($0.key) + Wire.bytes($0.value)
            }
            return frame(4, Wire.bytes(UInt32(settings.count)) + entries)
        case .ping(let id): return frame(6, Wire.bytes(id))
        case .goAway(let last, let status): return frame(7, Wire.bytes(last) + Wire.bytes(status.rawValue))
        case .windowUpdate(let id, let delta): return frame(9, Wire.bytes(id) + Wire.bytes(delta))
        case .unknown: return []
        }
    }

    private func frame(_ type: UInt8, flags: UInt8 = 0, _ payload: [UInt8]) -> [UInt8] {
        precondition(payload.count < 1 << 24, "a frame's length has 24 bits")
        return [0x80, 3, 0, type] + Wire.bytes(UInt32(flags) << 24 | UInt32(payload.count)) + payload
    }

    /// The eight bytes before data.
    static func dataHead(id: UInt32, isFinal: Bool, count: Int) -> [UInt8] {
        Wire.bytes(id) + Wire.bytes((isFinal ? 1 << 24 : 0) | UInt32(count))
    }
}
