// SPDX-License-Identifier: ISC

// The transparency log of Go's checksum database, golang.org/x/mod/sumdb, in
// the line protocol of tests/interop/log_peer.c, which lists the commands.
// Two more read a bank's journal as strongroom-journal(5) has it:
//
//	journal LEDGER    adds its leaves to the tree; their number
//	record INDEX      a leaf's data
//
// And more that know a bank only by what it serves, its public directory:
//
//	follow PUBLIC SIZE                        every entry, added to the tree
//	served-inclusion PUBLIC INDEX SIZE ROOT   proof
//	served-consistency PUBLIC OLD SIZE ROOT   proof
//	served-entry PUBLIC INDEX SIZE            a leaf's data
package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var le = binary.LittleEndian

// ---- The tree ---------------------------------------------------------------

var hashes []tlog.Hash
var records [][]byte

var reader = tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
	var list []tlog.Hash
	for _, index := range indexes {
		if index >= int64(len(hashes)) {
			return nil, errors.New("no such hash")
		}
		list = append(list, hashes[index])
	}
	return list, nil
})

func addLeaf(data []byte) error {
	more, err := tlog.StoredHashes(int64(len(records)), data, reader)
	if err != nil {
		return err
	}
	hashes = append(hashes, more...)
	records = append(records, data)
	return nil
}

func number(data []byte) int64 {
	return int64(le.Uint64(data))
}

func asNumber(value int64) []byte {
	return le.AppendUint64(nil, uint64(value))
}

func hashOf(data []byte) (hash tlog.Hash) {
	copy(hash[:], data)
	return
}

func joined(proof []tlog.Hash) []byte {
	var all []byte
	for _, hash := range proof {
		all = append(all, hash[:]...)
	}
	return all
}

func split(data []byte) []tlog.Hash {
	var proof []tlog.Hash
	for ; len(data) >= tlog.HashSize; data = data[tlog.HashSize:] {
		proof = append(proof, hashOf(data))
	}
	return proof
}

// ---- The journal ------------------------------------------------------------

const (
	segmentHead = 128
	frameHead   = 104
	typeEntry   = 1
)

// leafOf makes the leaf of an entry's frame, with the offsets of the page.
func leafOf(head, body []byte) []byte {
	sum := sha256.Sum256(append(append([]byte(nil), head[:100]...), body...))
	leaf := []byte{1}
	leaf = append(leaf, head[12:20]...) // seq
	leaf = append(leaf, head[20:28]...) // time
	leaf = append(leaf, head[32])       // class
	leaf = append(leaf, head[28:32]...) // segment
	leaf = append(leaf, sum[:]...)
	return append(leaf, head[68:100]...) // commitment
}

func readSegment(data []byte) error {
	if len(data) < segmentHead || string(data[:8]) != "SRSEGMT1" {
		return errors.New("no segment")
	}
	for data = data[segmentHead:]; len(data) >= frameHead && data[0] != 0; {
		head, length := data[:frameHead], int(le.Uint32(data[8:]))
		end := (frameHead + length + 7) / 8 * 8
		if string(head[:4]) != "SRF1" || end > len(data) {
			return errors.New("no frame")
		}
		if head[5] == typeEntry {
			body := data[frameHead : frameHead+length]
			if err := addLeaf(leafOf(head, body)); err != nil {
				return err
			}
		}
		data = data[end:]
	}
	return nil
}

func readJournal(ledger string) error {
	paths, err := filepath.Glob(ledger + "/segment/*.log")
	if err != nil {
		return err
	}
	sort.Strings(paths)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if len(bytes.Trim(data, "\x00")) == 0 {
			continue
		}
		if err := readSegment(data); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

// ---- What is served ----------------------------------------------------------

// served reads tiles as c2sp.org/tlog-tiles names them.
type served string

func (s served) Height() int { return 8 }

func (s served) SaveTiles(tiles []tlog.Tile, data [][]byte) {}

func (s served) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var list [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		path = strings.Replace(path, "tile/data/", "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(string(s), path))
		if err != nil {
			return nil, err
		}
		if tile.L >= 0 && len(data) != tile.W*tlog.HashSize {
			return nil, errors.New("a tile of another width")
		}
		list = append(list, data)
	}
	return list, nil
}

// bundle reads the entries that begin with that one, for a tree of that size.
func (s served) bundle(first, size int64) ([][]byte, error) {
	width := size - first
	if width > 256 {
		width = 256
	}
	data, err := s.ReadTiles([]tlog.Tile{
		{H: 8, L: -1, N: first / 256, W: int(width)}})
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for rest := data[0]; len(rest) > 0; {
		if len(rest) < 2 {
			return nil, errors.New("a bundle that ends in a length")
		}
		end := 2 + int(binary.BigEndian.Uint16(rest))
		if len(rest) < end {
			return nil, errors.New("a bundle that ends in an entry")
		}
		entries = append(entries, rest[2:end])
		rest = rest[end:]
	}
	if int64(len(entries)) != width {
		return nil, errors.New("a bundle of another width")
	}
	return entries, nil
}

func (s served) follow(size int64) error {
	for first := int64(0); first < size; first += 256 {
		entries, err := s.bundle(first, size)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if err := addLeaf(entry); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s served) entry(index, size int64) ([]byte, error) {
	entries, err := s.bundle(index/256*256, size)
	if err != nil {
		return nil, err
	}
	return entries[index%256], nil
}

// hashes gives the tree's hashes; each tile is checked against the root.
func (s served) hashes(size, root []byte) tlog.HashReader {
	return tlog.TileHashReader(
		tlog.Tree{N: number(size), Hash: hashOf(root)}, s)
}

// ---- Notes ------------------------------------------------------------------

func verifierKey(name string, key []byte) (string, error) {
	return note.NewEd25519VerifierKey(name, ed25519.PublicKey(key))
}

func openNote(name string, key, text []byte) (int64, []byte, error) {
	vkey, err := verifierKey(name, key)
	if err != nil {
		return 0, nil, err
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return 0, nil, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return 0, nil, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != name || lines[3] != "" {
		return 0, nil, errors.New("no checkpoint")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return 0, nil, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	return size, root, err
}

func signNote(name string, size int64, root []byte) ([]byte, []byte, error) {
	secret, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return nil, nil, err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, nil, err
	}
	text, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", name,
		size, base64.StdEncoding.EncodeToString(root))}, signer)
	if err != nil {
		return nil, nil, err
	}
	parts := strings.SplitN(public, "+", 3)
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		return nil, nil, err
	}
	return key[1:], text, nil
}

// ---- Commands ---------------------------------------------------------------

func answer(name string, a [][]byte) ([][]byte, error) {
	switch fmt.Sprint(name, len(a)) {
	case "leaf1":
		return nil, addLeaf(a[0])
	case "journal1":
		err := readJournal(string(a[0]))
		return [][]byte{asNumber(int64(len(records)))}, err
	case "record1":
		if index := number(a[0]); index < int64(len(records)) {
			return [][]byte{records[index]}, nil
		}
		return nil, errors.New("no such record")
	case "follow2":
		return nil, served(a[0]).follow(number(a[1]))
	case "served-entry3":
		entry, err := served(a[0]).entry(number(a[1]), number(a[2]))
		return [][]byte{entry}, err
	case "served-inclusion4":
		proof, err := tlog.ProveRecord(number(a[2]), number(a[1]),
			served(a[0]).hashes(a[2], a[3]))
		return [][]byte{joined(proof)}, err
	case "served-consistency4":
		proof, err := tlog.ProveTree(number(a[2]), number(a[1]),
			served(a[0]).hashes(a[2], a[3]))
		return [][]byte{joined(proof)}, err
	case "root1":
		root, err := tlog.TreeHash(number(a[0]), reader)
		return [][]byte{root[:]}, err
	case "inclusion2":
		proof, err := tlog.ProveRecord(number(a[1]), number(a[0]), reader)
		return [][]byte{joined(proof)}, err
	case "consistency2":
		proof, err := tlog.ProveTree(number(a[1]), number(a[0]), reader)
		return [][]byte{joined(proof)}, err
	case "included5":
		return nil, tlog.CheckRecord(split(a[4]), number(a[1]),
			hashOf(a[3]), number(a[0]), tlog.RecordHash(a[2]))
	case "extends5":
		return nil, tlog.CheckTree(split(a[4]), number(a[1]), hashOf(a[3]),
			number(a[0]), hashOf(a[2]))
	case "vkey2":
		key, err := verifierKey(string(a[0]), a[1])
		return [][]byte{[]byte(key)}, err
	case "sign3":
		key, text, err := signNote(string(a[0]), number(a[1]), a[2])
		return [][]byte{key, text}, err
	case "open3":
		size, root, err := openNote(string(a[0]), a[1], a[2])
		return [][]byte{asNumber(size), root}, err
	}
	return nil, errors.New("no such command")
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		var arguments [][]byte
		for _, word := range words[1:] {
			data, _ := hex.DecodeString(strings.Trim(word, "-"))
			arguments = append(arguments, data)
		}
		values, err := answer(words[0], arguments)
		if err != nil {
			fmt.Printf("no %q\n", err)
			continue
		}
		said := "ok"
		for _, value := range values {
			said += " " + hex.EncodeToString(value)
			if len(value) == 0 {
				said += "-"
			}
		}
		fmt.Println(said)
	}
}
