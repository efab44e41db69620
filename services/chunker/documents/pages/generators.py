"""The generators of documentation whose pages are known: where the text is in them, and what is navigation.

The names of classes and ids are those in the pages that the generators write. A selector finds one element: an element
inside another would not be understood (`selectors.py`).
"""

from __future__ import annotations

from typing import Final

from services.chunker.documents.pages.sites import Site

SITES: Final = (
    Site(
        "MediaWiki",
        generator="mediawiki",
        marks=".mw-parser-output #mw-content-text",
        content="#content #mw-content-text .mw-parser-output",
        furniture="""
            .mw-editsection .navbox .catlinks .printfooter .mw-jump-link #jump-to-nav #siteSub
            #contentSub .noprint .mbox .ambox .metadata .sistersitebox .vertical-navbox .sidebar
            #siteNotice .mw-indicators .portal .hatnote .dablink .shortdescription .mw-empty-elt
            .authority-control .mw-cite-backlink .mw-authority-control .mw-redirectedfrom
            .vector-page-toolbar .mw-footer #footer #mw-navigation .navigation-not-searchable
        """,
        contents="#toc .toc",
    ),
    Site(
        "Doxygen",
        generator="doxygen",
        marks="#doc-content",
        content="#doc-content",
        furniture="""
            #top #titlearea #nav-path #side-nav .navpath .dynheader .dyncontent .ttc .permalink
            #MSearchSelectWindow #MSearchResultsWindow .memSeparator .summary .footer address.footer
            .mlabels-right .tabs .tabs2 .tabs3 .qindex #nav-sync #page-nav hr.footer
        """,
        contents=".toc .toc.interactive",
    ),
    Site(
        "Javadoc",
        generator="javadoc",
        content="main .contentContainer",
        furniture="""
            .topNav .bottomNav .subNav .navList .subDetail .skipNav .skip-nav .aboutLanguage
            .top-nav .sub-nav .legalCopy .legal-copy .summary-list .inheritance
        """,
        contents=".toc",
    ),
    Site(
        "rustdoc",
        generator="rustdoc",
        content="#main-content main",
        furniture="""
            .out-of-band .sub .sidebar .source .src .srclink .copy-path #copy-path .anchor
            .search-form .toggle-label rustdoc-toolbar .since .rightside .rustdoc-breadcrumbs
            .tooltip
        """,
    ),
    Site(
        "mdBook",
        marks="#mdbook-sidebar-toggle .mobile-nav-chapters",
        content="main",
        furniture=".nav-wrapper .nav-wide-wrapper #menu-bar #sidebar #search-wrapper .nav-chapters .buttons",
    ),
    Site(
        "MkDocs",
        generator="mkdocs",
        marks=".md-content article.md-content__inner",
        content="article.md-content__inner .md-content [role=main] main",
        furniture="""
            .md-content__button .md-source-file .md-footer .md-nav .md-tags .md-feedback .md-banner
            .md-announce .md-source .wy-breadcrumbs .rst-footer-buttons .rst-versions .edit-page
            .md-skip .md-dialog
        """,
        contents=".toc",
    ),
    Site(
        "Docusaurus and its like",
        generator="(?:docusaurus|vitepress|vuepress|starlight|gitbook|nextra|docsify|hexo docs)",
        marks=".theme-doc-markdown .vp-doc .sl-markdown-content",
        content=".theme-doc-markdown .vp-doc .sl-markdown-content article main",
        furniture="""
            .theme-edit-this-page .pagination-nav .theme-doc-breadcrumbs .theme-doc-version-badge
            .hash-link .theme-doc-version-banner .theme-last-updated .VPDocFooter .VPDocAside
            .edit-link .page-nav .last-updated .theme-doc-footer .theme-doc-toc-mobile .page-edit
            .buttonGroup
        """,
        contents=".table-of-contents",
    ),
    Site(
        "Sphinx",
        generator="(?:docutils|sphinx)",
        marks="""
            .sphinxsidebar .sphinxsidebarwrapper .rst-content #furo-main-content .bd-article
            .wy-nav-content #documentation_options .bodywrapper
        """,
        content="""
            #furo-main-content article.bd-article [itemprop=articleBody] div.body [role=main] main
            div.document
        """,
        furniture="""
            .headerlink .viewcode-link .viewcode-back .related .sphinxsidebar .rst-versions .copybtn
            .wy-breadcrumbs .wy-breadcrumbs-aside .rst-footer-buttons .prev-next-area
            .prev-next-footer .edit-this-page .editpage .bottomRelated .footer .relbar-top
            .relbar-bottom #searchbox .bd-header-announcement .version-warning .announcement
            .sourcelink .content-icon-container .back-to-top .backtotop .related-pages .mobile-nav
            .skip-link a.toc-backref[href=#id1] .language_switcher_placeholder
            .version_switcher_placeholder .rst-other-versions .ethical-ads
        """,
        contents=".contents .toctree-wrapper .local #table-of-contents #contents.topic",
    ),
    Site(
        "DocBook",
        generator="docbook",
        marks=".navheader .navfooter",
        furniture=".navheader .navfooter .NAVHEADER .NAVFOOTER #svn-footer .toolbar",
        contents="""
            div.toc div.TOC dl.toc .list-of-figures .list-of-tables .list-of-examples .toc-title
            .list-of-equations .qandatoc
        """,
    ),
    Site(
        "GTK-Doc",
        generator="(?:gtk-doc|gi-docgen)",
        content="#main.content section.content",
        furniture="table.navigation .navigation .footer .sidebar .shortcuts #home .api_summary",
        contents=".toc .TOC",
    ),
    Site(
        "Texinfo",
        generator="(?:makeinfo|texi2html|texi2any|texinfo)",
        furniture=".nav-panel .header .node .copiable-link .copiable-anchor .summary-letter-printindex",
        contents="""
            .contents .shortcontents .element-contents .element-shortcontents .region-contents
            .region-shortcontents .Contents_element .menu ul.section-toc ul.mini-toc table.menu
            #SEC_Contents #SEC_Shortcontents #SEC_Overview
        """,
    ),
    Site(
        "Asciidoctor",
        generator="asciidoc",
        marks="body.asciidoc",
        furniture="#footer .details .toolbar-edit .nav-container .conum",
        contents="#toc .toc #toctitle",
    ),
    Site(
        "pandoc",
        generator="pandoc",
        contents="#TOC #toc",
    ),
    Site(
        "LaTeX to HTML",
        generator="(?:latex2html|tex4ht|hevea|lwarp|latexml|plastex)",
        marks=".ltx_page_main",
        content=".ltx_page_content",
        furniture=".navigation .crosslinks .ltx_page_footer .ltx_page_header .nav",
        contents=".tableofcontents .sectionTOCS .chapterTOCS .partTOCS .ChildLinks .ltx_TOC .toc",
    ),
    Site(
        "RDoc, YARD, JSDoc and their like",
        generator="(?:rdoc|yard|jsdoc|typedoc|haddock|ocamldoc|odoc|epydoc|exdoc|pdoc|ford|naturaldocs|ldoc|gendoc)",
        marks="body#mod-index .odoc-content .tsd-page-title .exdoc",
        content="main #main .odoc-content .col-content #content",
        furniture="""
            .navbar .breadcrumbs .tsd-breadcrumb .odoc-nav .view-source .method-source-code .link
            .method-click-advice .tsd-navigation #menu #search #footer .footer .noframes
        """,
        contents=".toc .odoc-toc .tsd-index-panel #toc",
    ),
)
