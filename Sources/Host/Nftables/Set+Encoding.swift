import CLinux

extension Nftables.Set {
    /// The attributes of `NFT_MSG_NEWSET` but the table.
    func write(to writer: inout NetlinkWriter, id: UInt32) {
        writer.put(NFTA_SET_NAME, name)
        writer.put(NFTA_SET_FLAGS, network: kernelFlags)
        writer.put(NFTA_SET_KEY_TYPE, network: key.id)
        writer.put(NFTA_SET_KEY_LEN, network: UInt32(key.length))
        switch value {
        case .none: break
        case .verdict:
            writer.put(NFTA_SET_DATA_TYPE, network: NFT_DATA_VERDICT.rawValue)
        case .data(let types):
            writer.put(NFTA_SET_DATA_TYPE, network: types.id)
            writer.put(NFTA_SET_DATA_LEN, network: UInt32(types.length))
        }
        writer.put(NFTA_SET_ID, network: id)
        if let timeout { writer.put(NFTA_SET_TIMEOUT, network: timeout.milliseconds) }
        writeDescription(to: &writer)
        writer.put(NFTA_SET_USERDATA, bytes: userData)
    }

    private var isAnonymous: Bool { name.hasPrefix("__") }
    private var isConcatenatedInterval: Bool { flags.contains(.interval) && key.count > 1 }

    private var kernelFlags: UInt32 {
        var bits = flags.rawValue
        if value != .none { bits |= NFT_SET_MAP.rawValue }
        if isAnonymous { bits |= NFT_SET_ANONYMOUS.rawValue | NFT_SET_CONSTANT.rawValue }
        if isConcatenatedInterval { bits |= NFT_SET_CONCAT.rawValue }
        return bits
    }

    /// Ranges of a concatenation need the length of each part.
    private func writeDescription(to writer: inout NetlinkWriter) {
        guard size != nil || isConcatenatedInterval else { return }
        writer.nest(NFTA_SET_DESC) { writer in
            if let size { writer.put(NFTA_SET_DESC_SIZE, network: size) }
            guard isConcatenatedInterval else { return }
            writer.nest(NFTA_SET_DESC_CONCAT) { writer in
                for part in key {
                    writer.nest(NFTA_LIST_ELEM) { $0.put(NFTA_SET_FIELD_LEN, network: UInt32(part.length)) }
                }
            }
        }
    }

    /// For nft(8) alone: the byte order of keys (type 0) and of data (type 1), 1 the machine's and 2 the
    /// network's.
    private var userData: [UInt8] {
        func entry(_ type: UInt8, _ types: [Nftables.DataType]) -> [UInt8] {
            let order: UInt32 = types.count == 1 && types[0].isHostEndian ? 1 : 2
            return [type, 4] + withUnsafeBytes(of: order) { Array($0) }
        }
        if case .data(let types) = value { return entry(0, key) + entry(1, types) }
        return entry(0, key)
    }
}

extension Nftables.Element {
    /// One element, or the two that stand for an interval.
    func write(to writer: inout NetlinkWriter, in set: Nftables.Set) {
        let (first, last) = (key.bytes(\.first), key.bytes(\.last))
        let isConcatenated = set.key.count > 1
        writer.nest(NFTA_LIST_ELEM) { writer in
            writer.putData(NFTA_SET_ELEM_KEY, first)
            // The end of a concatenation's ranges belongs to them.
            if set.flags.contains(.interval), isConcatenated { writer.putData(NFTA_SET_ELEM_KEY_END, last) }
            switch value {
            case .none: break
            case .data(let values): writer.putData(NFTA_SET_ELEM_DATA, values.bytes(\.first))
            case .verdict(let verdict): writer.putVerdict(NFTA_SET_ELEM_DATA, verdict)
            }
            if let timeout { writer.put(NFTA_SET_ELEM_TIMEOUT, network: timeout.milliseconds) }
        }
        // A plain interval ends with an element of its own: the first key that is no longer in it, if there
        // is one.
        guard set.flags.contains(.interval), !isConcatenated, let end = successor(of: last) else { return }
        writer.nest(NFTA_LIST_ELEM) { writer in
            writer.putData(NFTA_SET_ELEM_KEY, end)
            writer.put(NFTA_SET_ELEM_FLAGS, network: NFT_SET_ELEM_INTERVAL_END.rawValue)
        }
    }

    private func successor(of bytes: [UInt8]) -> [UInt8]? {
        var bytes = bytes
        for index in bytes.indices.reversed() {
            bytes[index] &+= 1
            if bytes[index] != 0 { return bytes }
        }
        return nil
    }
}
