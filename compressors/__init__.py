"""The compressors, one strategy a file, in the order in which a tie of scores is decided."""

from headroom_mitm.compressors.base import Compressed, Compressor, Content, Level
from headroom_mitm.compressors.blame_lines import BlameLines
from headroom_mitm.compressors.build_output import BuildOutput
from headroom_mitm.compressors.diff_hunks import DiffHunks
from headroom_mitm.compressors.file_tree import FileTree
from headroom_mitm.compressors.html_dom import HtmlDom
from headroom_mitm.compressors.json_records import JsonRecords
from headroom_mitm.compressors.log_lines import LogLines
from headroom_mitm.compressors.numbered_lines import NumberedLines
from headroom_mitm.compressors.prose import Prose
from headroom_mitm.compressors.search_hits import SearchHits
from headroom_mitm.compressors.source_code import SourceCode
from headroom_mitm.compressors.stack_traces import StackTraces
from headroom_mitm.compressors.table_rows import TableRows
from headroom_mitm.compressors.test_report import ReportOfTests
from headroom_mitm.compressors.yaml_records import YamlRecords

COMPRESSORS: tuple[Compressor, ...] = (
    SourceCode(),
    NumberedLines(),
    JsonRecords(),
    YamlRecords(),
    HtmlDom(),
    DiffHunks(),
    BlameLines(),
    ReportOfTests(),
    BuildOutput(),
    StackTraces(),
    SearchHits(),
    FileTree(),
    TableRows(),
    LogLines(),
    Prose(),
)

__all__ = ["COMPRESSORS", "Compressed", "Compressor", "Content", "Level"]
