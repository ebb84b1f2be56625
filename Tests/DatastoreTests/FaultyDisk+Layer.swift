import CSQLite

/// The plumbing between SQLite's file layer (sqlite.org/vfs.html) and ``FaultyDisk``.
///
/// SQLite gives each open file a piece of memory of the size we ask for: our part comes first, the system's
/// after it.
extension FaultyDisk {
    fileprivate struct OpenFile {
        var base: sqlite3_file
        var disk: Unmanaged<FaultyDisk>
        var path: UnsafePointer<CChar>?

        static let size = (MemoryLayout<OpenFile>.stride + 15) & ~15

        var name: String { path.map { String(cString: $0) } ?? "" }
    }

    /// Never undone: SQLite may hold on to the structures, and a test process is short.
    func register() {
        guard let system = sqlite3_vfs_find(nil) else { return }
        let layer = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        layer.initialize(to: system.pointee)
        layer.pointee.zName = name.withCString { UnsafePointer(immortal($0)) }
        layer.pointee.pNext = nil
        layer.pointee.szOsFile = Int32(OpenFile.size) + system.pointee.szOsFile
        layer.pointee.pAppData = Unmanaged.passRetained(self).toOpaque()
        layer.pointee.xOpen = { layer, path, file, flags, outFlags in
            guard let layer, let file, let system = sqlite3_vfs_find(nil), let data = layer.pointee.pAppData
            else {
                return SQLITE_CANTOPEN
            }
            let code = system.pointee.xOpen(system, path, below(file), flags, outFlags)
            let raw = UnsafeMutableRawPointer(file)
            raw.bindMemory(to: OpenFile.self, capacity: 1).initialize(
                to: OpenFile(
                    base: sqlite3_file(pMethods: code == SQLITE_OK ? methods : nil),
                    disk: Unmanaged<FaultyDisk>.fromOpaque(data), path: path))
            return code
        }
        layer.pointee.xDelete = { layer, path, syncs in
            guard let layer, let path, let system = sqlite3_vfs_find(nil), let data = layer.pointee.pAppData
            else {
                return failedDelete
            }
            Unmanaged<FaultyDisk>.fromOpaque(data).takeUnretainedValue().removed(String(cString: path))
            return system.pointee.xDelete(system, path, syncs)
        }
        sqlite3_vfs_register(layer, 0)
    }
}

private let failedDelete = SQLITE_IOERR | (10 << 8)

/// A copy of a text that lives for ever.
private func immortal(_ text: UnsafePointer<CChar>) -> UnsafeMutablePointer<CChar> {
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: String(cString: text).utf8.count + 1)
    var index = 0
    repeat {
        copy[index] = text[index]
        index += 1
    } while copy[index - 1] != 0
    return copy
}

/// The system's part of an open file.
private func below(_ file: UnsafeMutablePointer<sqlite3_file>) -> UnsafeMutablePointer<sqlite3_file> {
    (UnsafeMutableRawPointer(file) + FaultyDisk.OpenFile.size).assumingMemoryBound(to: sqlite3_file.self)
}

private func ours(_ file: UnsafeMutablePointer<sqlite3_file>) -> FaultyDisk.OpenFile {
    UnsafeMutableRawPointer(file).assumingMemoryBound(to: FaultyDisk.OpenFile.self).pointee
}

/// The calls on an open file. Version 1: no shared memory, which the driver does without, and no mapped
/// files.
nonisolated(unsafe) private let methods: UnsafePointer<sqlite3_io_methods> = {
    var methods = sqlite3_io_methods()
    methods.iVersion = 1
    methods.xClose = { file in
        guard let file else { return SQLITE_OK }
        return below(file).pointee.pMethods.pointee.xClose(below(file))
    }
    methods.xRead = { file, bytes, count, offset in
        guard let file else { return SQLITE_IOERR }
        return below(file).pointee.pMethods.pointee.xRead(below(file), bytes, count, offset)
    }
    methods.xWrite = { file, bytes, count, offset in
        guard let file, let bytes else { return SQLITE_IOERR }
        let (name, disk) = (ours(file).name, ours(file).disk.takeUnretainedValue())
        if let failure = disk.failure(isSync: false) { return failure }
        let content = Array(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
        disk.change(name, .write(offset: Int(offset), bytes: content))
        return below(file).pointee.pMethods.pointee.xWrite(below(file), bytes, count, offset)
    }
    methods.xTruncate = { file, length in
        guard let file else { return SQLITE_IOERR }
        ours(file).disk.takeUnretainedValue().change(ours(file).name, .truncate(length: Int(length)))
        return below(file).pointee.pMethods.pointee.xTruncate(below(file), length)
    }
    methods.xSync = { file, flags in
        guard let file else { return SQLITE_IOERR }
        let disk = ours(file).disk.takeUnretainedValue()
        if let failure = disk.failure(isSync: true) { return failure }
        disk.synced(ours(file).name)
        return below(file).pointee.pMethods.pointee.xSync(below(file), flags)
    }
    methods.xFileSize = { file, size in
        guard let file else { return SQLITE_IOERR }
        return below(file).pointee.pMethods.pointee.xFileSize(below(file), size)
    }
    methods.xLock = { file, kind in
        guard let file else { return SQLITE_IOERR }
        return below(file).pointee.pMethods.pointee.xLock(below(file), kind)
    }
    methods.xUnlock = { file, kind in
        guard let file else { return SQLITE_IOERR }
        return below(file).pointee.pMethods.pointee.xUnlock(below(file), kind)
    }
    methods.xCheckReservedLock = { file, result in
        guard let file else { return SQLITE_IOERR }
        return below(file).pointee.pMethods.pointee.xCheckReservedLock(below(file), result)
    }
    methods.xFileControl = { file, operation, argument in
        guard let file else { return SQLITE_NOTFOUND }
        return below(file).pointee.pMethods.pointee.xFileControl(below(file), operation, argument)
    }
    methods.xSectorSize = { file in
        guard let file else { return 512 }
        return below(file).pointee.pMethods.pointee.xSectorSize(below(file))
    }
    methods.xDeviceCharacteristics = { file in
        guard let file else { return 0 }
        return below(file).pointee.pMethods.pointee.xDeviceCharacteristics(below(file))
    }
    let pointer = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
    pointer.initialize(to: methods)
    return UnsafePointer(pointer)
}()
